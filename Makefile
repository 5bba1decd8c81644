# SPDX-License-Identifier: GPL-2.0-only
# For people; `make help` says what there is.  Kbuild is for kernels and DKMS.

KDIR	?= /lib/modules/$(shell uname -r)/build
PREFIX	?= /usr
VERSION	:= $(shell sed -n 's/^\#define KHO_VERSION "\(.*\)"/\1/p' module/version.h)
DKMS_SRC = $(DESTDIR)/usr/src/kho-$(VERSION)

all: tools module

help:
	@echo 'Set-up is not needed: demo and check install what they want with apt.'
	@echo
	@echo '  make demo          stock kernel -> kexec -> the same kernel, in QEMU'
	@echo '                     SUCCESSOR=stub, =mainline  into those kinds of kernel'
	@echo '                     FIRMWARE=efi  on EFI, instead of a BIOS'
	@echo '                     KEEP=1     leaves a shell in the second kernel'
	@echo '                     V=1        shows the consoles'
	@echo '  make check         all tests; TESTS="FILE..." some of them'
	@echo '  make soak          20 handovers in a row; each allocation and each kill, not some'
	@echo '  make fuzz          programs drawn from a seed, on kernels that check themselves; ARGS="KERNEL..."'
	@echo '  make matrix        every pair of kernels, each twice; ARGS="PAIR..." some of them'
	@echo '  make bench         what it costs, against what there is without it; ARGS="NAME..." some'
	@echo '  make lint          style, static checks, warnings of all compilers'
	@echo
	@echo '  make               khoctl, libkho, and the module for the running kernel'
	@echo '  make tools         khoctl and libkho only'
	@echo '  make module        the module only; KDIR=DIR for another kernel'
	@echo '  make install       khoctl, libkho, kho-seal, with all that belongs to them; PREFIX, DESTDIR'
	@echo '  make uninstall     the opposite'
	@echo '  make install-seal  kho-seal only, see docs/sealing.md; uninstall-seal'
	@echo '  make dkms-install  the module with DKMS, for this and later kernels'
	@echo '  make dkms-uninstall the opposite'
	@echo '  make bootstub TREE=DIR  the boot stub into an unpacked kernel tree'
	@echo '  make clean         what building left'

tools:
	$(MAKE) -C tools

module:
	@test -d $(KDIR) || { \
		echo "no headers at $(KDIR): install linux-headers-$$(uname -r), or give KDIR=DIR" >&2; \
		exit 1; }
	mkdir -p build/module
	cp -ru Kbuild module include build/module/
	$(MAKE) -C $(KDIR) M=$(CURDIR)/build/module modules

install: tools install-seal
	$(MAKE) -C tools install PREFIX=$(PREFIX)

uninstall: uninstall-seal
	$(MAKE) -C tools uninstall PREFIX=$(PREFIX)

install-seal:
	$(MAKE) -C seal install PREFIX=$(PREFIX)

uninstall-seal:
	$(MAKE) -C seal uninstall PREFIX=$(PREFIX)

dkms-install:
	mkdir -p $(DKMS_SRC)
	cp -r dkms.conf Kbuild module include $(DKMS_SRC)/
	test -n "$(DESTDIR)" || dkms install kho/$(VERSION)

dkms-uninstall:
	test -n "$(DESTDIR)" || dkms remove kho/$(VERSION) --all
	rm -rf $(DKMS_SRC)

bootstub:
	scripts/bootstub-apply.sh $(TREE)

demo:
	@tests/demo/demo.sh

check:
	@scripts/check.sh $(TESTS)

# What make check does less of, for the time that it takes.
soak:
	@KHO_SOAK=1 KHO_HANDOVERS=20 KHO_CHAINS='bios efi little stub mixed efi-mixed nodes four high' KHO_EVERY=1 \
		KHO_PLACES='driver late dimm pool' KHO_FIRMWARE='efi acpi noruntime noefi' \
		KHO_SHAPES='levels large pieces rsdp balloon console dark cloud rt' \
		KHO_SLEEPS='bios oldest newest efi' \
		KHO_DEVICES='stopped stubborn strayed disk watchdog' \
		scripts/check.sh tests/qemu/memory/65-agents.t tests/qemu/chain/42-scatter.t \
		tests/qemu/memory/43-place.t tests/qemu/machine/44-firmware.t \
		tests/qemu/machine/47-shapes.t tests/qemu/machine/48-sleep.t \
		tests/qemu/machine/49-devices.t tests/qemu/badinput/50-badinput.t \
		tests/qemu/device/39-rt.t tests/qemu/client/67-client.t \
		tests/qemu/seal/70-seal.t tests/qemu/device/38-faults.t \
		tests/qemu/khoctl/37-kill.t

# Variables: see there.
fuzz:
	@tests/qemu/fuzz/run.sh $(ARGS)

matrix:
	@tests/matrix/matrix.sh $(ARGS)

bench:
	@tests/bench/bench.sh $(ARGS)

lint:
	@scripts/lint.sh

clean:
	rm -rf build

.PHONY: all help tools module install uninstall install-seal uninstall-seal dkms-install dkms-uninstall \
	bootstub demo check soak fuzz matrix bench lint clean
