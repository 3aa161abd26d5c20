let
  twice = x: [ x x ];
  base = { a = 1; } // { b = 2; };
in {
  doc2 = {
    hostname = "doc2";
    extra = base // { c = twice 3; };
    more = if base ? a then with base; a + b else -1;
    pick = base.z or (rec { x = 1; y = x; }).y;
    assertion = assert true; "fine";
    proxmox = {
      vmid = 100 + 14;
      cores = 4;
      memory = 8 * 1024;
      disk = "32G";
    };
  };
}
