#!/bin/sh
# Each pair of units, once under systemd and once under sd-activate: what the probe, its clients and the manager saw has to be the
# same. inside.sh of tests/systemd runs it, as root, where systemd is PID 1. Its arguments are pairs; without any it runs all.
#
#   pairs/NAME/        the units of a pair, as they are put into /etc/systemd/system, and beside them
#   pairs/NAME/steps   what is done with them, read by pair.sh, which has the words for it
#   differences        what is known to differ, a line each: pair, field, and the words of docs/units.md that say why
#   not-yet            pairs that differ because of what is not done yet: a pair, and why
#
# Every line of the last two has to be needed.
set -u
umask 022
cd "$(dirname -- "$0")" || exit 1
here=$PWD
# So many pairs at once: most of the time is spent waiting.
at_once=6

mkdir -p /units/results /units/dumps
chmod 777 /units/dumps
cc -static -O1 -Wall -Wextra -o /units/probe probe.c dump.c descriptors.c attempts.c objects.c || exit 1
cc -O1 -Wall -Wextra -o /units/client client.c || exit 1
cc -static -O1 -Wall -Wextra -o /units/puppet puppet.c || exit 1

all=$(cd pairs && echo *)
pairs=${*:-$all}
for pair in $pairs; do
    for unit in "pairs/$pair"/*; do
        [ "${unit##*/}" = steps ] || cp -dR "$unit" /etc/systemd/system/
    done
done
systemctl daemon-reload

# shellcheck disable=SC2086 # a list
printf '%s\n' $pairs | xargs -P "$at_once" -n 1 sh "$here/pair.sh" both

# differs PAIR: whether what was seen of it does; how, is in /units/compared.
differs() {
    ! awk -v pair="$1" -v known=/units/known -f compare.awk differences "/units/results/$1.systemd" \
        "/units/results/$1.sd-activate" >/units/compared
}

failed=0
same=0
fields=0
: >/units/known
for pair in $pairs; do
    waits=$(sed -n "s/^$pair  *//p" not-yet)
    # On a busy machine what is done at the same time comes in one order or another, under either of them. What differs three times,
    # the last two with nothing else going on, is different.
    for _ in 1 2; do
        differs "$pair" || break
        sed -n 's/^  \([^ ].*\)/        once more, as it differed in \1:/p' /units/compared | head -n 1
        sh "$here/pair.sh" both "$pair"
    done
    if differs "$pair"; then
        if [ -n "$waits" ]; then
            echo "  not yet  $pair: $waits ($(grep -c '^  [^ ]' /units/compared) fields)"
            continue
        fi
        echo "FAILED  $pair, which differs in:"
        head -n 80 /units/compared
        for manager in systemd sd-activate; do
            sed 's/^/        /' "/units/results/$pair.$manager.said" | tail -n 12 | cut -c 1-200
        done
        failed=$((failed + 1))
    elif [ -n "$waits" ]; then
        echo "FAILED  $pair is the same: it is to be taken out of not-yet"
        failed=$((failed + 1))
    else
        same=$((same + 1))
        fields=$((fields + $(wc -l <"/units/results/$pair.systemd")))
    fi
done

if [ "$pairs" = "$all" ]; then
    for pair in $(sed -n 's/^\([^# ][^ ]*\) .*/\1/p' not-yet); do
        [ -d "pairs/$pair" ] || { echo "FAILED  there is no pair $pair, which is in not-yet" && failed=$((failed + 1)); }
    done
    sed '/^#/d; /^$/d' differences >/units/rows
    while read -r row; do
        grep -qxF "$row" /units/known || { echo "FAILED  it does not differ any more: $row" && failed=$((failed + 1)); }
        why=${row#* * }
        grep -qF "$why" units.md || { echo "FAILED  docs/units.md does not say why: $why" && failed=$((failed + 1)); }
    done </units/rows
fi
echo "  ok    $same of $(echo "$pairs" | wc -w) pairs are the same: $fields fields; $(sort -u /units/known | wc -l) known differences"
[ "$failed" = 0 ]
