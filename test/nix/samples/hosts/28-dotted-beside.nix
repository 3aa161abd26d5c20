{
  other.hostname = "other";
  other.proxmox.vmid = 120;
  other.proxmox.cores = 1;
  other.proxmox.memory = 1024;
  other.proxmox.disk = "8G";
  doc2 = {
    meta.owner = "nils";
    meta.since = 2020;
    proxmox = {
      vmid = 114;
      cores = 4;
      memory = 8192;
      disk = "32G";
      network.bridge = "vmbr0";
      network.vlan = 20;
    };
  };
}
