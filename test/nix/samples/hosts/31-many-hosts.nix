let keys = [ "k" ]; in {

  host0 = {
    hostname = "host0";
    sshAlias = "h0";
    authorizedKeys = keys;
    proxmox = {
      vmid = 200;
      cores = 1;
      memory = 1024;
      disk = "8G";
      readonly = false; # number 0
    };
  };

  host1 = {
    hostname = "host1";
    sshAlias = "h1";
    authorizedKeys = keys;
    proxmox = {
      vmid = 201;
      cores = 2;
      memory = 2048;
      disk = "16G";
      readonly = true; # number 1
    };
  };

  host2 = {
    hostname = "host2";
    sshAlias = "h2";
    authorizedKeys = keys;
    proxmox = {
      vmid = 202;
      cores = 3;
      memory = 3072;
      disk = "24G";
      readonly = true; # number 2
    };
  };

  host3 = {
    hostname = "host3";
    sshAlias = "h3";
    authorizedKeys = keys;
    proxmox = {
      vmid = 203;
      cores = 4;
      memory = 4096;
      disk = "32G";
      readonly = false; # number 3
    };
  };

  host4 = {
    hostname = "host4";
    sshAlias = "h4";
    authorizedKeys = keys;
    proxmox = {
      vmid = 204;
      cores = 5;
      memory = 1024;
      disk = "40G";
      readonly = true; # number 4
    };
  };

  host5 = {
    hostname = "host5";
    sshAlias = "h5";
    authorizedKeys = keys;
    proxmox = {
      vmid = 205;
      cores = 6;
      memory = 2048;
      disk = "48G";
      readonly = true; # number 5
    };
  };

  host6 = {
    hostname = "host6";
    sshAlias = "h6";
    authorizedKeys = keys;
    proxmox = {
      vmid = 206;
      cores = 7;
      memory = 3072;
      disk = "56G";
      readonly = false; # number 6
    };
  };

  host7 = {
    hostname = "host7";
    sshAlias = "h7";
    authorizedKeys = keys;
    proxmox = {
      vmid = 207;
      cores = 8;
      memory = 4096;
      disk = "64G";
      readonly = true; # number 7
    };
  };

  host8 = {
    hostname = "host8";
    sshAlias = "h8";
    authorizedKeys = keys;
    proxmox = {
      vmid = 208;
      cores = 1;
      memory = 1024;
      disk = "72G";
      readonly = true; # number 8
    };
  };

  host9 = {
    hostname = "host9";
    sshAlias = "h9";
    authorizedKeys = keys;
    proxmox = {
      vmid = 209;
      cores = 2;
      memory = 2048;
      disk = "8G";
      readonly = false; # number 9
    };
  };

  host10 = {
    hostname = "host10";
    sshAlias = "h10";
    authorizedKeys = keys;
    proxmox = {
      vmid = 210;
      cores = 3;
      memory = 3072;
      disk = "16G";
      readonly = true; # number 10
    };
  };

  host11 = {
    hostname = "host11";
    sshAlias = "h11";
    authorizedKeys = keys;
    proxmox = {
      vmid = 211;
      cores = 4;
      memory = 4096;
      disk = "24G";
      readonly = true; # number 11
    };
  };

  host12 = {
    hostname = "host12";
    sshAlias = "h12";
    authorizedKeys = keys;
    proxmox = {
      vmid = 212;
      cores = 5;
      memory = 1024;
      disk = "32G";
      readonly = false; # number 12
    };
  };

  host13 = {
    hostname = "host13";
    sshAlias = "h13";
    authorizedKeys = keys;
    proxmox = {
      vmid = 213;
      cores = 6;
      memory = 2048;
      disk = "40G";
      readonly = true; # number 13
    };
  };

  host14 = {
    hostname = "host14";
    sshAlias = "h14";
    authorizedKeys = keys;
    proxmox = {
      vmid = 214;
      cores = 7;
      memory = 3072;
      disk = "48G";
      readonly = true; # number 14
    };
  };

  host15 = {
    hostname = "host15";
    sshAlias = "h15";
    authorizedKeys = keys;
    proxmox = {
      vmid = 215;
      cores = 8;
      memory = 4096;
      disk = "56G";
      readonly = false; # number 15
    };
  };

  host16 = {
    hostname = "host16";
    sshAlias = "h16";
    authorizedKeys = keys;
    proxmox = {
      vmid = 216;
      cores = 1;
      memory = 1024;
      disk = "64G";
      readonly = true; # number 16
    };
  };

  host17 = {
    hostname = "host17";
    sshAlias = "h17";
    authorizedKeys = keys;
    proxmox = {
      vmid = 217;
      cores = 2;
      memory = 2048;
      disk = "72G";
      readonly = true; # number 17
    };
  };

  host18 = {
    hostname = "host18";
    sshAlias = "h18";
    authorizedKeys = keys;
    proxmox = {
      vmid = 218;
      cores = 3;
      memory = 3072;
      disk = "8G";
      readonly = false; # number 18
    };
  };

  host19 = {
    hostname = "host19";
    sshAlias = "h19";
    authorizedKeys = keys;
    proxmox = {
      vmid = 219;
      cores = 4;
      memory = 4096;
      disk = "16G";
      readonly = true; # number 19
    };
  };

  host20 = {
    hostname = "host20";
    sshAlias = "h20";
    authorizedKeys = keys;
    proxmox = {
      vmid = 220;
      cores = 5;
      memory = 1024;
      disk = "24G";
      readonly = true; # number 20
    };
  };

  host21 = {
    hostname = "host21";
    sshAlias = "h21";
    authorizedKeys = keys;
    proxmox = {
      vmid = 221;
      cores = 6;
      memory = 2048;
      disk = "32G";
      readonly = false; # number 21
    };
  };

  host22 = {
    hostname = "host22";
    sshAlias = "h22";
    authorizedKeys = keys;
    proxmox = {
      vmid = 222;
      cores = 7;
      memory = 3072;
      disk = "40G";
      readonly = true; # number 22
    };
  };

  host23 = {
    hostname = "host23";
    sshAlias = "h23";
    authorizedKeys = keys;
    proxmox = {
      vmid = 223;
      cores = 8;
      memory = 4096;
      disk = "48G";
      readonly = true; # number 23
    };
  };

  host24 = {
    hostname = "host24";
    sshAlias = "h24";
    authorizedKeys = keys;
    proxmox = {
      vmid = 224;
      cores = 1;
      memory = 1024;
      disk = "56G";
      readonly = false; # number 24
    };
  };

  host25 = {
    hostname = "host25";
    sshAlias = "h25";
    authorizedKeys = keys;
    proxmox = {
      vmid = 225;
      cores = 2;
      memory = 2048;
      disk = "64G";
      readonly = true; # number 25
    };
  };

  host26 = {
    hostname = "host26";
    sshAlias = "h26";
    authorizedKeys = keys;
    proxmox = {
      vmid = 226;
      cores = 3;
      memory = 3072;
      disk = "72G";
      readonly = true; # number 26
    };
  };

  host27 = {
    hostname = "host27";
    sshAlias = "h27";
    authorizedKeys = keys;
    proxmox = {
      vmid = 227;
      cores = 4;
      memory = 4096;
      disk = "8G";
      readonly = false; # number 27
    };
  };

  host28 = {
    hostname = "host28";
    sshAlias = "h28";
    authorizedKeys = keys;
    proxmox = {
      vmid = 228;
      cores = 5;
      memory = 1024;
      disk = "16G";
      readonly = true; # number 28
    };
  };

  host29 = {
    hostname = "host29";
    sshAlias = "h29";
    authorizedKeys = keys;
    proxmox = {
      vmid = 229;
      cores = 6;
      memory = 2048;
      disk = "24G";
      readonly = true; # number 29
    };
  };

  host30 = {
    hostname = "host30";
    sshAlias = "h30";
    authorizedKeys = keys;
    proxmox = {
      vmid = 230;
      cores = 7;
      memory = 3072;
      disk = "32G";
      readonly = false; # number 30
    };
  };

  host31 = {
    hostname = "host31";
    sshAlias = "h31";
    authorizedKeys = keys;
    proxmox = {
      vmid = 231;
      cores = 8;
      memory = 4096;
      disk = "40G";
      readonly = true; # number 31
    };
  };

  host32 = {
    hostname = "host32";
    sshAlias = "h32";
    authorizedKeys = keys;
    proxmox = {
      vmid = 232;
      cores = 1;
      memory = 1024;
      disk = "48G";
      readonly = true; # number 32
    };
  };

  host33 = {
    hostname = "host33";
    sshAlias = "h33";
    authorizedKeys = keys;
    proxmox = {
      vmid = 233;
      cores = 2;
      memory = 2048;
      disk = "56G";
      readonly = false; # number 33
    };
  };

  host34 = {
    hostname = "host34";
    sshAlias = "h34";
    authorizedKeys = keys;
    proxmox = {
      vmid = 234;
      cores = 3;
      memory = 3072;
      disk = "64G";
      readonly = true; # number 34
    };
  };

  host35 = {
    hostname = "host35";
    sshAlias = "h35";
    authorizedKeys = keys;
    proxmox = {
      vmid = 235;
      cores = 4;
      memory = 4096;
      disk = "72G";
      readonly = true; # number 35
    };
  };

  host36 = {
    hostname = "host36";
    sshAlias = "h36";
    authorizedKeys = keys;
    proxmox = {
      vmid = 236;
      cores = 5;
      memory = 1024;
      disk = "8G";
      readonly = false; # number 36
    };
  };

  host37 = {
    hostname = "host37";
    sshAlias = "h37";
    authorizedKeys = keys;
    proxmox = {
      vmid = 237;
      cores = 6;
      memory = 2048;
      disk = "16G";
      readonly = true; # number 37
    };
  };

  host38 = {
    hostname = "host38";
    sshAlias = "h38";
    authorizedKeys = keys;
    proxmox = {
      vmid = 238;
      cores = 7;
      memory = 3072;
      disk = "24G";
      readonly = true; # number 38
    };
  };

  host39 = {
    hostname = "host39";
    sshAlias = "h39";
    authorizedKeys = keys;
    proxmox = {
      vmid = 239;
      cores = 8;
      memory = 4096;
      disk = "32G";
      readonly = false; # number 39
    };
  };

  host40 = {
    hostname = "host40";
    sshAlias = "h40";
    authorizedKeys = keys;
    proxmox = {
      vmid = 240;
      cores = 1;
      memory = 1024;
      disk = "40G";
      readonly = true; # number 40
    };
  };

  host41 = {
    hostname = "host41";
    sshAlias = "h41";
    authorizedKeys = keys;
    proxmox = {
      vmid = 241;
      cores = 2;
      memory = 2048;
      disk = "48G";
      readonly = true; # number 41
    };
  };

  host42 = {
    hostname = "host42";
    sshAlias = "h42";
    authorizedKeys = keys;
    proxmox = {
      vmid = 242;
      cores = 3;
      memory = 3072;
      disk = "56G";
      readonly = false; # number 42
    };
  };

  host43 = {
    hostname = "host43";
    sshAlias = "h43";
    authorizedKeys = keys;
    proxmox = {
      vmid = 243;
      cores = 4;
      memory = 4096;
      disk = "64G";
      readonly = true; # number 43
    };
  };

  host44 = {
    hostname = "host44";
    sshAlias = "h44";
    authorizedKeys = keys;
    proxmox = {
      vmid = 244;
      cores = 5;
      memory = 1024;
      disk = "72G";
      readonly = true; # number 44
    };
  };

  host45 = {
    hostname = "host45";
    sshAlias = "h45";
    authorizedKeys = keys;
    proxmox = {
      vmid = 245;
      cores = 6;
      memory = 2048;
      disk = "8G";
      readonly = false; # number 45
    };
  };

  host46 = {
    hostname = "host46";
    sshAlias = "h46";
    authorizedKeys = keys;
    proxmox = {
      vmid = 246;
      cores = 7;
      memory = 3072;
      disk = "16G";
      readonly = true; # number 46
    };
  };

  host47 = {
    hostname = "host47";
    sshAlias = "h47";
    authorizedKeys = keys;
    proxmox = {
      vmid = 247;
      cores = 8;
      memory = 4096;
      disk = "24G";
      readonly = true; # number 47
    };
  };

  host48 = {
    hostname = "host48";
    sshAlias = "h48";
    authorizedKeys = keys;
    proxmox = {
      vmid = 248;
      cores = 1;
      memory = 1024;
      disk = "32G";
      readonly = false; # number 48
    };
  };

  host49 = {
    hostname = "host49";
    sshAlias = "h49";
    authorizedKeys = keys;
    proxmox = {
      vmid = 249;
      cores = 2;
      memory = 2048;
      disk = "40G";
      readonly = true; # number 49
    };
  };

  host50 = {
    hostname = "host50";
    sshAlias = "h50";
    authorizedKeys = keys;
    proxmox = {
      vmid = 250;
      cores = 3;
      memory = 3072;
      disk = "48G";
      readonly = true; # number 50
    };
  };

  host51 = {
    hostname = "host51";
    sshAlias = "h51";
    authorizedKeys = keys;
    proxmox = {
      vmid = 251;
      cores = 4;
      memory = 4096;
      disk = "56G";
      readonly = false; # number 51
    };
  };

  host52 = {
    hostname = "host52";
    sshAlias = "h52";
    authorizedKeys = keys;
    proxmox = {
      vmid = 252;
      cores = 5;
      memory = 1024;
      disk = "64G";
      readonly = true; # number 52
    };
  };

  host53 = {
    hostname = "host53";
    sshAlias = "h53";
    authorizedKeys = keys;
    proxmox = {
      vmid = 253;
      cores = 6;
      memory = 2048;
      disk = "72G";
      readonly = true; # number 53
    };
  };

  host54 = {
    hostname = "host54";
    sshAlias = "h54";
    authorizedKeys = keys;
    proxmox = {
      vmid = 254;
      cores = 7;
      memory = 3072;
      disk = "8G";
      readonly = false; # number 54
    };
  };

  host55 = {
    hostname = "host55";
    sshAlias = "h55";
    authorizedKeys = keys;
    proxmox = {
      vmid = 255;
      cores = 8;
      memory = 4096;
      disk = "16G";
      readonly = true; # number 55
    };
  };

  host56 = {
    hostname = "host56";
    sshAlias = "h56";
    authorizedKeys = keys;
    proxmox = {
      vmid = 256;
      cores = 1;
      memory = 1024;
      disk = "24G";
      readonly = true; # number 56
    };
  };

  host57 = {
    hostname = "host57";
    sshAlias = "h57";
    authorizedKeys = keys;
    proxmox = {
      vmid = 257;
      cores = 2;
      memory = 2048;
      disk = "32G";
      readonly = false; # number 57
    };
  };

  host58 = {
    hostname = "host58";
    sshAlias = "h58";
    authorizedKeys = keys;
    proxmox = {
      vmid = 258;
      cores = 3;
      memory = 3072;
      disk = "40G";
      readonly = true; # number 58
    };
  };

  host59 = {
    hostname = "host59";
    sshAlias = "h59";
    authorizedKeys = keys;
    proxmox = {
      vmid = 259;
      cores = 4;
      memory = 4096;
      disk = "48G";
      readonly = true; # number 59
    };
  };

  doc2 = {
    hostname = "doc2";
    proxmox = {
      vmid = 114;
      cores = 4;
      memory = 8192;
      disk = "32G";
    };
  };
}
