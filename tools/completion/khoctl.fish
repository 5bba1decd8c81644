# SPDX-License-Identifier: GPL-2.0
#
# fish completion for khoctl.  Commands and options are those that khoctl --help and
# khoctl COMMAND --help list, so nothing has to be added here for a new one.

# Outside a root's shell, PATH often lacks the sbin directories.
function __khoctl_run
    set -lx PATH $PATH /usr/local/sbin /usr/sbin /sbin
    command -q khoctl; and command khoctl $argv 2>/dev/null
end

# Prints what stands for the value of option $argv[1] in the help that follows.
function __khoctl_option_value
    printf '%s\n' $argv[2..-1] | string replace -rf -- "^  (-., )?$argv[1] ([^ ]+) .*" '$2'
end

# Prints what stands for the argument of number $argv[1], from 0, in the help that follows.
function __khoctl_argument
    set -l n 0
    set -l last
    set -l skip 0
    for word in (string split -n ' ' -- (string replace -r '^usage: khoctl [a-z]* *' '' -- $argv[2]))
        if test $skip -eq 1
            set skip 0
            continue
        end
        switch $word
            case '[OPTION]...'
                continue
            case '|'
                break
            case '--*' '[--*'
                set skip 1
                continue
        end
        set last $word
        if test $n -eq $argv[1]
            printf '%s\n' $word
            return
        end
        set n (math $n + 1)
    end
    string match -q -- '*...' "$last"; and printf '%s\n' $last
end

# Completes a word by what stands for it in the help.
function __khoctl_value
    switch "$argv[1]"
        case '*NAME*'
            __khoctl_run ls --json | string replace -rf '^ *"name": "(.*)",$' '$1'
        case '*FILE*' '*PATH*' '*LIST*' '*KERNEL*'
            __fish_complete_path (commandline -ct)
        case WHEN
            printf '%s\n' auto always never
        case HOW
            printf '%s\n' auto exact envelopes
        case 'UID*'
            __fish_complete_users
    end
end

function __khoctl_complete
    set -l words (commandline -opc) (commandline -ct)
    set -l current $words[-1]
    set -l help '  --device PATH  ' '  --color WHEN  '
    set -l cmd
    set -l args 0
    set -l i 2
    set -l value

    while test $i -lt (count $words)
        set -l word $words[$i]
        switch $word
            case '--*=*'
            case '--*'
                set value (__khoctl_option_value $word $help)
                if test -n "$value"
                    set i (math $i + 1)
                    # It is the word to complete.
                    if test $i -eq (count $words)
                        __khoctl_value $value
                        return
                    end
                end
            case '-?*'
            case '*'
                if test -z "$cmd"
                    set cmd $word
                    set help (__khoctl_run $cmd --help)
                else
                    set args (math $args + 1)
                end
        end
        set i (math $i + 1)
    end

    if string match -q -- '--*=*' "$current"
        set -l option (string split -m 1 -- = $current)
        set value (__khoctl_option_value $option[1] $help)
        test -n "$value"; and printf "$option[1]=%s\n" (__khoctl_value $value)
    else if string match -q -- '-*' "$current"
        if test -z "$cmd"
            printf '%s\n' --device --json --color --help --version
        else
            printf '%s\n' $help | string replace -rf -- '^  (-., )?(--[a-z-]+)( [^ ]+)? +(.*)' '$2\t$4'
        end
    else if test -z "$cmd"; or test "$cmd" = help -a $args -eq 0
        __khoctl_run --help | string replace -rf -- '^  ([a-z]+) +(.*)' '$1\t$2'
        printf 'help\tshow this, or the help of a command\n'
    else if test "$cmd" != put -o $args -gt 0
        __khoctl_value (__khoctl_argument $args $help)
    end
end

complete -c khoctl -f -a '(__khoctl_complete)'
