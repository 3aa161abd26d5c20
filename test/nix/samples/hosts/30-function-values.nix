{
  _lib = { name = host: "${host}.example.org"; };
  doc2 = {
    hostname = "doc2";
    configure = { lib, pkgs ? null, ... }@args: { environment.systemPackages = [ pkgs ]; };
    hook = old: old // { a = 1; };
    proxmox = {
      vmid = 114;
      cores = 4;
      memory = 8192;
      disk = "32G";
    };
  };
}
