let hostname = "doc2"; common = { user = "nils"; vmid = 114; }; in {
  doc2 = {
    sshAlias = "d2";
    keep = { inherit hostname; inherit (common) user; };
    proxmox = {
      vmid = 114;
      cores = 4;
      memory = 8192;
      disk = "32G";
      options = { inherit (common) vmid; };
    };
  };
}
