let
  keys = [ "ssh-ed25519 AAAAinvented one" ];
  user = "nils";
in {
  _proxmox = { host = "192.0.2.12"; node = "prom"; };

  doc2 = {
    inherit user;
    authorizedKeys = keys;
    proxmox = {
      vmid = 114;
      cores = 4;
      memory = 8192;
      disk = "32G";
    };
  };

}
