{
  doc2 = {
    proxmox.vmid = 114;
    proxmox.cores = 4;
    proxmox.memory = 8192;
    proxmox.disk = "32G";
  };
}
