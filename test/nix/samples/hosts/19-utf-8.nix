# Rechner: größe, 名前, 😀
{
  "größe" = { hostname = "größe"; };
  doc2 = {
    hostname = "doc2";
    description = "Datenträger für Köln — 😀";
    proxmox = {
      vmid = 114;
      description = "名前";
      cores = 4;
      memory = 8192;
      disk = "32G"; # größer? 😀
    };
  };
}
