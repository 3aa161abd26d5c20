let vm = id: { vmid = id; cores = 4; memory = 8192; disk = "32G"; }; in
{
  doc2 = { hostname = "doc2"; proxmox = vm 114; };
}
