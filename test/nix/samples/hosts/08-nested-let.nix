let a = 1; in
let b = a; in
{
    doc2 = {
        note = b;
        proxmox = {
            vmid = 114;
            cores = 4;
            memory = 8192;
            disk = "32G";
        };
    };
}
