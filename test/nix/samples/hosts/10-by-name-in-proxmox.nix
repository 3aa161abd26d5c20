{
  machine-seven = {
    hostname = "seven";
    proxmox = {
      name = "doc2";
      vmid = 114;
      cores = 4;
      memory = 8192;
      disk = "32G";
    };
  };
}
