# Compares two results of a pair, given after the file of known differences: a line each, a field and its value. Prints what
# differs, and fails if anything does. Lines of the first file that were needed are added to the file `known`.

function matches(text, pattern) {
    gsub(/[.[\]()+?^$|\\]/, "\\\\&", pattern)
    gsub(/\*/, ".*", pattern)
    return text ~ "^" pattern "$"
}

function is_known(field,    i) {
    for (i = 1; i <= rows; i++)
        if (matches(pair, row_pair[i]) && matches(field, row_field[i])) {
            print row[i] >>known
            return 1
        }
    return 0
}

FNR == 1 { file = FILENAME == ARGV[1] ? 1 : FILENAME == ARGV[2] ? 2 : 3 }

file == 1 {
    if ($0 ~ /^[^#]/) {
        row[++rows] = $0
        row_pair[rows] = $1
        row_field[rows] = $2
    }
    next
}

{
    field = $1
    value = substr($0, length(field) + 2)
    if (!(field in seen)) {
        order[++fields] = field
        seen[field] = 1
    }
    has[file, field] = 1
    values[file, field] = value
}

function shown(file, field) {
    return (file, field) in has ? values[file, field] : "(nothing)"
}

END {
    for (i = 1; i <= fields; i++) {
        field = order[i]
        if (shown(2, field) "" == shown(3, field) "" || is_known(field))
            continue
        print "  " field
        print "        systemd:     " shown(2, field)
        print "        sd-activate: " shown(3, field)
        differ = 1
    }
    exit differ
}
