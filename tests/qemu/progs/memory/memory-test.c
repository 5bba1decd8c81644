// SPDX-License-Identifier: GPL-2.0
/*
 * memory-test [full]: what agents do with objects, with memory of their own, and
 * with each other's.  With "full" the kernel has to have everything that some tests
 * need: two nodes, cgroups, /dev/mem, memfd_secret(), io_uring.
 *
 * Wants some free huge pages, and a block device /dev/vda.  Speaks TAP.
 */
#include "ioctl.h"

int main(int argc, char **argv)
{
	struct kho_query before;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc > 2 || (argc == 2 && strcmp(argv[1], "full")))
		die("usage: memory-test [full]");
	full = argc == 2;
	kho = open_kho();
	make_pool();
	get_query(kho, &before);
	if (!result(before.features & KHO_FEATURE_AGENTS, "the module has it all"))
		die("it has not");

	test_creating();
	test_resizing();
	test_sealing();
	test_data();
	test_committing();
	test_verifying();
	test_using();
	test_many();
	test_giving_back();
	test_ranges();
	test_kinds();
	test_huge();
	test_afterwards();
	test_twice();
	test_no_room();
	test_killing();
	test_access();
	result(unchanged(&before, "all of it"), "nothing is left behind");

	printf("1..%d\n", tests);
	return failures ? 1 : 0;
}
