{
  doc2 = {
	hostname = "doc2";
    	proxmox = {
	  vmid = 114;
      	cores = 4;
	memory = 8192;
		 disk = "32G";
	};
  };
}
