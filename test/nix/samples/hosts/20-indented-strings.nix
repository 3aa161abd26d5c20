{
  doc2 = {
    hostname = "doc2";
    motd = ''
      proxmox = { vmid = 1; };
      ''${not} ''' "quoted" } # no comment
      $${neither}
    '';
    proxmox = {
      vmid = 114;
      description = ''one } line'';
      cores = 4;
      memory = 8192;
      disk = "32G";
    };
  };
}
