{
  doc2 = {
    proxmox = {
      virtiofs = {
        # tuning of last year
        cache = "never";
        mapping = "containers";
      };
      vmid = 114;
      cores = 4;
      memory = 8192;
      disk = "32G";
    };
  };
}
