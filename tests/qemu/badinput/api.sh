# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2154 # variables of lib.sh
#
# The in-kernel API, by a module that checks itself.

run_test()
{
	check "kho_test stage $stage" insmod "$here/kho_test.ko" "stage=$stage"
	is "it says so" "$(dmesg | grep -c "kho_test: stage $stage ok")" 1
}

stage_1()
{
	run_test
	jump
}

stage_2()
{
	run_test
	check "unload the test" rmmod kho_test
	is "nothing is left" "$(status preserved_pages | wc -l) $(status objects)" \
		"1 0"
}
