{
  a1 = {
    hostname = "doc2";
    sshAlias = "d2";
    proxmox = {
      name = "Doc2";
      vmid = 114;
      cores = 4;
      memory = 8192;
      disk = "32G";
    };
  };
}
