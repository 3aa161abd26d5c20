{
  doc2 = { proxmox = rec { vmid = 114; cores = 4; memory = 8192; disk = "32G"; }; };
}
