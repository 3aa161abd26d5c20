{
  doc2 = {
    hostname = "doc2";
    note = "proxmox = { virtiofs = 1; }; \${x} \" # }";
    proxmox = {
      vmid = 114;
      description = "}; /* ";
      cores = 4;
      memory = 8192;
      disk = "32G";
    };
    after = "*/";
  };
}
