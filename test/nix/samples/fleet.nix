# The machines of a small fleet. One attribute a machine; what begins with "_" is none.
let
  # Keys of those who administer everything.
  adminKeys = [
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIInventedInventedInventedInventedInventedInv admin"
  ];
  usual = "nils";
in {
  _proxmox = {
    host = "192.0.2.12";
    node = "prom";
    defaultStorage = "tank";
    templateVmid = 9003;
  };

  desk = {
    configurationFile = ./hosts/desk/configuration.nix;
    homeFile = ./hosts/desk/home.nix;
    user = usual;
    hostname = "desk";
    sshAlias = "dsk";
    publicKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDeskDeskDeskDeskDeskDeskDeskDeskDeskDesk";
    authorizedKeys = adminKeys;
  };

  # Imported: what Proxmox VE has is what holds.
  pve-vm = {
    configurationFile = ./hosts/pve-vm/configuration.nix;
    user = usual;
    hostname = "pve-vm"; # not the alias
    sshAlias = "doc1";
    localIp = "192.0.2.29";
    authorizedKeys = adminKeys;
    proxmox = {
      vmid = 104;
      name = "Doc1";
      cores = 8;
      memory = 32000;
      disk = "250G";
      bios = "ovmf";
      cpuType = "x86-64-v3";
      diskInterface = "scsi0";
      cloneFromTemplate = false; # imported
      ignoreInit = true;
      tags = [];
      ignoreChangesExtra = [
        "description"
        "on_boot"
        "cpu[0].type"
      ];
      readonly = false; # Managed by OpenTofu
    };
  };

  doc2 = {
    user = usual;
    hostname = "doc2";
    sshAlias = "doc2";
    proxmox = {
      vmid = 114;
      cores = 4;
      memory = 16384;
      disk = "32G";
      machine = "q35";
      virtiofs = {
        mapping = "containers";
        cache = "always";
        direct_io = true;
      };
    };
  };

  media = {
    user = usual;
    hostname = "media";
    proxmox = {
      vmid = 109;
      node = "maint";
      cores = 8;
      memory = 8096;
      disk = "passthrough";
      storage = "slow";
      network = { bridge = "vmbr1"; vlan = 20; };
      hostpci = [ "0000:01:00" ];
      readonly = true;
      virtiofs = [ { } { mapping = "mirrors"; expose_acl = true; expose_xattr = true; } ];
    };
  };
}
