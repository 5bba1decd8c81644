# SPDX-License-Identifier: GPL-2.0-only
# The Makefile to use by hand; `make help` lists its targets.  Kbuild is for kernels and
# DKMS.

KDIR	?= /lib/modules/$(shell uname -r)/build
PREFIX	?= /usr
VERSION	:= $(shell sed -n 's/^\#define KHO_VERSION "\(.*\)"/\1/p' module/version.h)
DKMS_SRC = $(DESTDIR)/usr/src/kho-$(VERSION)

all: tools module

help:
	@echo 'No set-up is needed: demo and check install what they need with apt.'
	@echo
	@echo '  make demo          stock kernel -> kexec -> the same kernel, in QEMU'
	@echo '                     SUCCESSOR=stub or mainline  another kind of next kernel'
	@echo '                     FIRMWARE=efi  EFI instead of a BIOS'
	@echo '                     KEEP=1     leave a shell in the second kernel'
	@echo '                     V=1        show the consoles'
	@echo '  make check         all tests; TESTS="FILE..." runs some of them'
	@echo '  make soak          long versions of tests, for example 20 handovers in a row'
	@echo '  make fuzz          random programs, on kernels that check themselves; ARGS="KERNEL..."'
	@echo '  make matrix        every pair of kernels, each twice; ARGS="PAIR..." runs some of them'
	@echo '  make mainline      the tests of our patches to mainline, see docs/mainline.md'
	@echo '  make bench         benchmarks against baselines; ARGS="NAME..." runs some of them'
	@echo '  make kit SERIES=N  what a vendor of a Linux N needs: patches, scripts, tests'
	@echo '  make kit-try SERIES="N..."  does with kits what vendors would'
	@echo '  make lint          style, static checks, warnings of all compilers'
	@echo
	@echo '  make               khoctl, libkho, and the module for the running kernel'
	@echo '  make tools         khoctl and libkho only'
	@echo '  make module        the module only; KDIR=DIR for another kernel'
	@echo '  make install       install khoctl, libkho, kho-seal and the units; PREFIX, DESTDIR'
	@echo '  make uninstall     remove them'
	@echo '  make install-seal  install kho-seal only, see docs/sealing.md; uninstall-seal removes it'
	@echo '  make install-units  install the units of systemd only, see docs/units.md; uninstall-units'
	@echo '  make dkms-install  install the module with DKMS, for all kernels and later ones'
	@echo '  make dkms-uninstall  remove it'
	@echo '  make bootstub TREE=DIR  add the boot stub to an unpacked kernel tree'
	@echo '  make clean         remove what was built'

tools:
	$(MAKE) -C tools

module:
	@test -d $(KDIR) || { \
		echo "no headers at $(KDIR): install linux-headers-$$(uname -r), or give KDIR=DIR" >&2; \
		exit 1; }
	mkdir -p build/module
	cp -ru Kbuild module include build/module/
	$(MAKE) -C $(KDIR) M=$(CURDIR)/build/module modules

install: tools install-seal install-units
	$(MAKE) -C tools install PREFIX=$(PREFIX)

uninstall: uninstall-seal uninstall-units
	$(MAKE) -C tools uninstall PREFIX=$(PREFIX)

install-seal:
	$(MAKE) -C seal install PREFIX=$(PREFIX)

uninstall-seal:
	$(MAKE) -C seal uninstall PREFIX=$(PREFIX)

install-units:
	$(MAKE) -C systemd install PREFIX=$(PREFIX)

uninstall-units:
	$(MAKE) -C systemd uninstall PREFIX=$(PREFIX)

dkms-install:
	rm -rf $(DKMS_SRC)
	mkdir -p $(DKMS_SRC)
	cp -r dkms.conf Kbuild module include $(DKMS_SRC)/
	test -n "$(DESTDIR)" || scripts/dkms-install.sh $(VERSION)

dkms-uninstall:
	test -n "$(DESTDIR)" || dkms remove kho/$(VERSION) --all
	rm -rf $(DKMS_SRC)

bootstub:
	scripts/bootstub-apply.sh $(TREE)

demo:
	@tests/demo/demo.sh

check:
	@scripts/check.sh $(TESTS)

# Tests that make check runs only in part, because they take long.
soak:
	@KHO_SOAK=1 KHO_HANDOVERS=20 KHO_CHAINS='bios efi little stub mixed efi-mixed nodes four high' KHO_EVERY=1 \
		KHO_PLACES='driver late dimm pool' KHO_FIRMWARE='efi acpi noruntime noefi' \
		KHO_SHAPES='levels large pieces rsdp balloon console dark cloud rt' \
		KHO_SLEEPS='bios oldest newest efi' \
		KHO_DEVICES='stopped stubborn strayed disk watchdog' KHO_SUITES='bookworm trixie' \
		scripts/check.sh tests/qemu/memory/65-agents.t tests/qemu/chain/42-scatter.t \
		tests/qemu/memory/43-place.t tests/qemu/machine/44-firmware.t \
		tests/qemu/machine/47-shapes.t tests/qemu/machine/48-sleep.t \
		tests/qemu/machine/49-devices.t tests/qemu/badinput/50-badinput.t \
		tests/qemu/device/39-rt.t tests/qemu/client/67-client.t \
		tests/qemu/seal/70-seal.t tests/qemu/device/38-faults.t \
		tests/qemu/khoctl/37-kill.t tests/qemu/successor/59-kho-v1.t \
		tests/qemu/systemd/70-systemd.t tests/dkms/dkms.t tests/lint.t

# See docs/vendor-kit.md.
kit:
	@kit/make-kit.sh $(SERIES)

kit-try:
	@kit/try-kit.sh $(SERIES)

# For variables see docs/testing.md.
fuzz:
	@tests/qemu/fuzz/run.sh $(ARGS)

matrix:
	@tests/matrix/matrix.sh $(ARGS)

# CASES="NAME..." runs some of them.
mainline:
	@tests/mainline/intake.sh

bench:
	@tests/bench/bench.sh $(ARGS)

lint:
	@scripts/lint.sh

clean:
	rm -rf build

.PHONY: all help tools module install uninstall install-seal uninstall-seal install-units \
	uninstall-units dkms-install dkms-uninstall \
	bootstub demo check kit kit-try soak fuzz matrix mainline bench lint clean
