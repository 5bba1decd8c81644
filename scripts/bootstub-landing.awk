# SPDX-License-Identifier: GPL-2.0
#
# awk -v tree=DIR -f bootstub-landing.awk bootstub/landing: prints a line, FILE: WHY, for
# each hook in the tree that is not where that table has it.

function fault(why)
{
	print file ": " why
}

# Reads a file of the tree: its lines; for each line, the body of a function or an enum
# that it is in (0 for none), and how many #if it is under.
function read_file(path,	line, c, inside, bodies, depth, head)
{
	if (path == have)
		return
	have = path
	lines = bodies = inside = depth = 0
	head = ""
	c = path ~ /\.[ch]$/
	while ((getline line < (tree "/" path)) > 0) {
		lines++
		if (line ~ (c ? "^[ \t]*#[ \t]*endif" : "^endif"))
			depth--
		if (c && !inside) {
			if (line ~ /^[A-Za-z_].*\(/ || line ~ /^enum .*\{$/)
				head = line
			if (line ~ /^\{/ || line ~ /^enum .*\{$/) {
				inside = ++bodies
				name[inside] = head
				sub(/ *[({].*/, "", name[inside])
				sub(/.*[ *]/, "", name[inside])
				start[inside] = depth
			}
		}
		# Comments do not count.
		text[lines] = line ~ /^[ \t]*(\*|\/\*|\/\/)/ ? "" : line
		body[lines] = inside
		under[lines] = depth
		if (line ~ (c ? "^[ \t]*#[ \t]*if" : "^if"))
			depth++
		if (line ~ /^\}/)
			inside = 0
	}
	close(tree "/" path)
	start[0] = 0
}

# The number of places before, after and at the hook; in the hook's body, or in all of
# the file if it is in none.
function count(what,	i, n, part, parts)
{
	early = late = 0
	n = split(what, parts, / or /)
	for (i = 1; i <= lines; i++) {
		if (i == at || (body[at] && body[i] != body[at]))
			continue
		for (part = 1; part <= n; part++) {
			if (!index(text[i], parts[part]))
				continue
			if (i < at)
				early++
			else
				late++
		}
	}
}

function find_hook(what,	i, n)
{
	at = n = 0
	for (i = 1; i <= lines; i++) {
		if (index(text[i], what)) {
			at = i
			n++
		}
	}
	if (n != 1) {
		fault("\"" what "\" is there " n " times")
		at = 0
	} else if ((body[at] ? name[body[at]] : "-") != within) {
		fault("\"" what "\" is not " \
		      (within == "-" ? "outside all functions" : "in " within))
		at = 0
	} else if (under[at] != start[body[at]]) {
		fault("\"" what "\" is under an #if")
	}
}

/^(#|$)/ { next }

/^[^\t]/ {
	file = $1
	within = $2
	read_file(file)
	next
}

{
	what = $0
	sub(/^\t[a-z?]+ /, "", what)
	if ($1 == "hook") {
		hook = what
		find_hook(what)
		next
	}
	if (!at)
		next
	count(what)
	if ($1 ~ /^(after|before)$/ && !early && !late)
		fault("no \"" what "\" where \"" hook "\" is")
	else if ($1 ~ /^after/ && late)
		fault("\"" hook "\" is not after \"" what "\"")
	else if ($1 ~ /^before/ && early)
		fault("\"" hook "\" is not before \"" what "\"")
	else if ($1 == "once" && early + late != 1)
		fault("\"" what "\" is there " early + late " times")
}
