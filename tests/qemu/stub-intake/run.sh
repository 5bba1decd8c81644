#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# run.sh JUMP RAM BYTES CONSOLE [QEMU-ARGUMENT...]: runs a guest with 2 CPUs until it
# reboots.  Its memory is the file RAM, which mkblob.c or mklayout.c has made, of size
# BYTES (in the format of QEMU's -m).  JUMP is jump.S, built by run.sh --jump JUMP
# [OPTION...], where the options are the compiler's.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

if [ "$1" = --jump ]; then
	jump=$2
	shift 2
	gcc -m32 -c "$@" -o "$jump.o" "$here/jump.S"
	exec ld -m elf_i386 -n -Ttext=0x100000 -o "$jump" "$jump.o"
fi

jump=$1 ram=$2 bytes=$3 console=$4
shift 4
exec qemu-system-x86_64 -accel tcg -cpu qemu64,+rdrand \
	-m "$bytes" -smp 2 -nodefaults -no-reboot -display none \
	-object "memory-backend-file,id=ram,size=$bytes,mem-path=$ram,share=on" \
	-machine pc,memory-backend=ram -serial "file:$console" \
	-kernel "$jump" "$@" </dev/null
