let n = "cores"; in
{
  doc2 = {
    proxmox = { vmid = 114; ${n} = 4; memory = 8192; disk = "32G"; };
  };
}
