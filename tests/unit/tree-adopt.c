// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whether module/tree/radix.c adopts an existing tree or refuses it; once for each page
 * size.
 */
#include "tree-before.h"

#define ORDER_MAX	(63 - PAGE_SHIFT)

static unsigned int told_nodes, told_runs;
static unsigned int stop_node, stop_run;

static int told_node(void *data, u64 phys, unsigned int level)
{
	must(data == &told_nodes, "not the caller's data");
	must(pages_has(phys), "no page");
	must(level < KHO_TREE_MAX_DEPTH, "level %u", level);
	return ++told_nodes == stop_node ? -EPERM : 0;
}

static int told_run(void *data, u64 phys, unsigned int order, u64 nr)
{
	must(data == &told_nodes, "not the caller's data");
	must(nr && order <= ORDER_MAX && !(phys % PAGE_SIZE), "no run");
	return ++told_runs == stop_run ? -EXDEV : 0;
}

static int adopt(u64 root, u64 end, const char **why)
{
	static struct kho_radix_adopt adopt;
	int ret;

	memset(&adopt, 0, sizeof(adopt));
	/* Forget the old tree without freeing its nodes. */
	kho_radix_forget_tree(&tree);
	memset(&tree, 0xff, sizeof(tree));
	told_nodes = 0;
	told_runs = 0;
	adopt.tree = &tree;
	adopt.walk.end = end;
	adopt.node = told_node;
	adopt.run = told_run;
	adopt.data = &told_nodes;
	ret = kho_radix_adopt_tree(&adopt, root);
	*why = ret == KHO_WALK_BAD ? adopt.walk.why : NULL;
	return ret;
}

/* What is known of the keys of a tree without reading it */
struct keys {
	u64 orders;
	u64 nr[KHO_NR_ORDERS];
};

static struct keys keys(void)
{
	struct keys k = { .orders = kho_radix_orders(&tree, 0, ~0ULL) };
	unsigned int order;

	for (order = 0; order < KHO_NR_ORDERS; order++)
		k.nr[order] = kho_radix_nr_keys(&tree, order);
	return k;
}

/* Does it have the same root, number of nodes, and numbers of keys? */
static bool same_tree(const struct kho_radix_tree *a, const struct keys *k)
{
	struct keys now = keys();

	return a->root == tree.root && a->nr_nodes == tree.nr_nodes &&
	       !memcmp(k, &now, sizeof(now));
}

static void test_adopt(void)
{
	const u64 end = 1ULL << 44;	/* above the allocator's pages */
	struct kho_radix_adopt bare = { .tree = &tree, .walk.end = end };
	struct model m = { 0 };
	struct kho_radix_tree old;
	struct pages_copy *copy;
	const char *why;
	uint64_t *node, first;
	struct keys had;
	u64 root;
	int ret;

	fresh();
	must(!kho_radix_add_range(&tree, 0x7ff, 0x802), "range");
	must(!model_range(&m, 0x7ff, 0x802, model_add), "range");
	must(!kho_radix_add_range(&tree, 0x100000, 3), "range");
	must(!model_range(&m, 0x100000, 3, model_add), "range");
	old = tree;
	had = keys();
	root = pages_phys(tree.root);

	copy = pages_copy();
	is(adopt(root, end, &why), 0, "adopt: a good tree");
	ok(same_tree(&old, &had), "adopt: the same tree as before");
	ok(pages_same(copy), "adopt: nothing was written");
	pages_copy_free(copy);
	is(told_nodes, tree.nr_nodes, "adopt: told of each node");
	/* 0x7ff, 0x800 order 11, 0x1000; 0x100000 order 1, 0x100002. */
	is(told_runs, 5, "adopt: told of each run");
	must_match(&tree, &m);

	is(kho_radix_add_page(&tree, 0x1001, 0), 0, "adopt: add works");
	must(!model_add(&m, 0x1001, 0), "add");
	is(kho_radix_add_page(&tree, 0x100001, 0), (u64)-EBUSY,
	   "adopt: overlap is seen");
	must_match(&tree, &m);
	is(kho_radix_del_range(&tree, 0x7ff, 0x802), 0, "adopt: del works");
	must(!model_range(&m, 0x7ff, 0x802, model_del), "del");
	must_match(&tree, &m);

	kho_radix_forget_tree(&tree);
	is(kho_radix_adopt_tree(&bare, root), 0, "adopt: without callbacks");
	must_match(&tree, &m);

	/* Refused: by a callback, by the reader. */
	copy = pages_copy();
	stop_node = 2;
	ret = adopt(root, end, &why);
	stop_node = 0;
	is(ret, (u64)-EPERM, "adopt: the node callback's result");
	ok(!tree.root, "adopt: no root then");
	is(told_nodes, 2, "adopt: it ends at once");
	stop_run = 1;
	ret = adopt(root, end, &why);
	stop_run = 0;
	is(ret, (u64)-EXDEV, "adopt: the run callback's result");
	ok(!tree.root, "adopt: no root then");
	is(adopt(0, end, &why), (u64)KHO_WALK_BAD, "adopt: no root");
	is_str(why, "no root", "adopt: and it says so");
	is(adopt(root + 8, end, &why), (u64)KHO_WALK_BAD, "adopt: misaligned");
	ok(!tree.root, "adopt: no root then");
	ok(pages_same(copy), "adopt: what is refused stays as it was");
	pages_copy_free(copy);
	is(adopt(root, end, &why), 0, "adopt: and can be adopted again");
	must_match(&tree, &m);

	must(!kho_radix_add_page(&tree, end >> PAGE_SHIFT, 0), "add");
	is(adopt(root, end, &why), (u64)KHO_WALK_BAD, "adopt: a page beyond the end");
	is_str(why, "an entry for keys beyond the end of memory",
	       "adopt: it says so");
	is(adopt(root, end << 1, &why), 0, "adopt: not if there is more memory");
	must(!kho_radix_del_page(&tree, end >> PAGE_SHIFT, 0), "del");

	node = pages_virt(root);
	node[PAGE_SIZE / 8 - 1] = root;
	is(adopt(root, end, &why), (u64)KHO_WALK_BAD, "adopt: an entry too far");
	node[PAGE_SIZE / 8 - 1] = 0;
	first = node[0];
	node[0] = root;
	is(adopt(root, end, &why), (u64)KHO_WALK_BAD, "adopt: a loop");
	is_str(why, "a node that leads back to itself", "adopt: it says so");
	node[0] = first;

	is(adopt(root, end, &why), 0, "adopt: good again");
	must_match(&tree, &m);
	destroy();
}

int main(void)
{
	tap_start();
	test_adopt();
	return tap_done();
}
