# A fleet of eight machines. OpenTofu keeps five virtual machines, two of which were there before it.
{
  _proxmox = {
    host = "192.0.2.12";
    node = "alder";
    defaultStorage = "tank";
    templateVmid = 9003;
  };

  # A workstation.
  quill = {
    hostname = "quill";
    sshAlias = "q";
    user = "mara";
  };

  # A laptop.
  fern = {
    hostname = "fern";
  };

  # Here before OpenTofu: imported. Its containers move away.
  stack-vm = {
    hostname = "stack-vm";
    sshAlias = "stack1";
    localIp = "192.0.2.29";
    proxmox = {
      vmid = 104;
      name = "Stack1";
      cores = 8;
      memory = 32768;
      disk = "250G";
      bios = "ovmf";
      cloneFromTemplate = false;
      ignoreInit = true;
      ignoreChangesExtra = [ "started" "cpu[0].units" ];
    };
  };

  # Here before OpenTofu, with a passed-through disk and a share that somebody attached by hand.
  render = {
    hostname = "render";
    localIp = "192.0.2.33";
    proxmox = {
      vmid = 109;
      name = "Render";
      cores = 6;
      memory = 12288;
      disk = "passthrough";
      machine = "q35";
      cpuType = "host";
      tags = [ "gpu" "apps" ];
      cloneFromTemplate = false;
    };
  };

  # New: gets the containers of stack-vm.
  stack2 = {
    hostname = "stack2";
    sshAlias = "stack2";
    localIp = "192.0.2.35";
    proxmox = {
      vmid = 114;
      cores = 8;
      memory = 16384;
      disk = "64G";
      bios = "ovmf";
      description = "Costs \${nothing}, 100%{sure}";
      virtiofs = {
        mapping = "containers";
        cache = "always";
        expose_acl = true;
      };
    };
  };

  # New, on another storage and network, with two shares.
  render2 = {
    hostname = "render2";
    proxmox = {
      vmid = 119;
      cores = 4;
      memory = 8192;
      disk = "32G";
      diskInterface = "scsi0";
      storage = "spare";
      network = {
        bridge = "vmbr1";
        vlan = 30;
      };
      tags = [ "nixos" "managed" "apps" ];
      virtiofs = [
        { mapping = "containers"; }
        { mapping = "media"; direct_io = true; }
      ];
    };
  };

  # New, on the other node, without a share.
  ledger = {
    hostname = "ledger";
    proxmox = {
      vmid = 120;
      name = "ledger-1";
      node = "birch";
      cores = 2;
      memory = 4096;
      disk = "20G";
    };
  };

  # A virtual machine that OpenTofu only knows of.
  attic = {
    hostname = "attic";
    proxmox = {
      vmid = 103;
      cores = 2;
      memory = 2048;
      disk = "16G";
      readonly = true;
    };
  };
}
