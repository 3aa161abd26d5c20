let vm = { vmid = 114; cores = 4; memory = 8192; disk = "32G"; }; in
{
  doc2 = { proxmox = vm; };
}
