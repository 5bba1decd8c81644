/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The commands of khoctl.  They return DONE, FAILED or USAGE.
 */
#ifndef KHOCTL_COMMANDS_H
#define KHOCTL_COMMANDS_H

int cmd_add(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_del(int argc, char **argv);
int cmd_dump(int argc, char **argv);
int cmd_freeze(int argc, char **argv);
int cmd_get(int argc, char **argv);
int cmd_getdata(int argc, char **argv);
int cmd_getpage(int argc, char **argv);
int cmd_load(int argc, char **argv);
int cmd_ls(int argc, char **argv);
int cmd_map(int argc, char **argv);
int cmd_own(int argc, char **argv);
int cmd_prune(int argc, char **argv);
int cmd_scratch(int argc, char **argv);
int cmd_put(int argc, char **argv);
int cmd_resize(int argc, char **argv);
int cmd_restrict(int argc, char **argv);
int cmd_rm(int argc, char **argv);
int cmd_seal(int argc, char **argv);
int cmd_setdata(int argc, char **argv);
int cmd_settle(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_unload(int argc, char **argv);
int cmd_upgrade(int argc, char **argv);
int cmd_verify(int argc, char **argv);

#endif /* KHOCTL_COMMANDS_H */
