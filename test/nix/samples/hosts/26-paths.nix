{
  doc2 = {
    configurationFile = ./hosts/doc2/configuration.nix;
    homeFile = ../home/doc2.nix;
    absolute = /etc/machine-id;
    url = https://example.org/a?b=c;
    proxmox = {
      vmid = 114;
      cores = 4;
      memory = 8192;
      disk = "32G";
    };
  };
}
