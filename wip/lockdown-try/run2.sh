cd /tmp/wt/lockdown-try
Q="nice -n -15 qemu-system-x86_64 -accel tcg -cpu Nehalem,+smep,+smap -smp 2 -m 2G -nodefaults -no-user-config -display none -no-reboot -machine q35 -kernel x/boot/vmlinuz -initrd s1.cpio"
timeout 240 $Q -append "console=ttyS0 panic=-1 mitigations=off" -serial file:c-bios.log; echo bios $? >>run2.out
timeout 500 $Q -drive if=pflash,format=raw,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.fd -drive if=pflash,format=raw,file=vars.fd -append "console=ttyS0 panic=-1 mitigations=off lock=1" -serial file:c-efi.log; echo efi $? >>run2.out
