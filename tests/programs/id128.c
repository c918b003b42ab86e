/* Prints what the macros and the inline functions of sd-id128.h make of some IDs. */
#include <stdio.h>
#include <systemd/sd-id128.h>

static const sd_id128_t one = SD_ID128_ARRAY(c2, 73, 27, 73, 23, db, 45, 4e, a6, 3b, b9, 6e, 79, b5, 3e, 97);
static const char one_string[] = SD_ID128_MAKE_STR(c2, 73, 27, 73, 23, db, 45, 4e, a6, 3b, b9, 6e, 79, b5, 3e, 97);
static const char one_uuid[] = SD_ID128_MAKE_UUID_STR(c2, 73, 27, 73, 23, db, 45, 4e, a6, 3b, b9, 6e, 79, b5, 3e, 97);

static int in_set(sd_id128_t id, ...) {
        va_list ap;
        int found;

        va_start(ap, id);
        found = sd_id128_in_setv(id, ap);
        va_end(ap);
        return found;
}

static void print(sd_id128_t id) {
        sd_id128_t read;

        printf(SD_ID128_FORMAT_STR " " SD_ID128_UUID_FORMAT_STR "\n", SD_ID128_FORMAT_VAL(id), SD_ID128_FORMAT_VAL(id));
        printf("%s %s %s\n", SD_ID128_TO_STRING(id), SD_ID128_TO_UUID_STRING(id), SD_ID128_CONST_STR(id));
        printf("%d ", sd_id128_from_string(SD_ID128_TO_STRING(id), &read));
        printf("%d ", sd_id128_equal(id, read));
        printf("%d ", sd_id128_from_string(SD_ID128_TO_UUID_STRING(id), &read));
        printf("%d\n", sd_id128_equal(id, read));
        printf("null %d, all ones %d, ", sd_id128_is_null(id), sd_id128_is_allf(id));
        printf("equal %d %d\n", sd_id128_equal(id, one), sd_id128_string_equal(one_string, id));
        printf("in sets: %d %d ", sd_id128_in_set(id), sd_id128_in_set(id, one));
        printf("%d ", sd_id128_in_set(id, SD_ID128_ALLF, one));
        printf("%d ", sd_id128_in_set_sentinel(id, one, SD_ID128_NULL));
        printf("%d %d\n", in_set(id, SD_ID128_NULL, one), in_set(id, SD_ID128_ALLF, one, SD_ID128_NULL));
}

int main(void) {
        printf("%zu %zu, %u %u\n", sizeof(sd_id128_t), __alignof__(sd_id128_t), SD_ID128_STRING_MAX, SD_ID128_UUID_STRING_MAX);
        printf("%s %s\n", one_string, one_uuid);
        print(one);
        print(SD_ID128_MAKE(c2, 73, 27, 73, 23, db, 45, 4e, a6, 3b, b9, 6e, 79, b5, 3e, 97));
        print(SD_ID128_MAKE(c2, 73, 27, 73, 23, db, 45, 4e, a6, 3b, b9, 6e, 79, b5, 3e, 98));
        print(SD_ID128_MAKE(42, 73, 27, 73, 23, db, 45, 4e, a6, 3b, b9, 6e, 79, b5, 3e, 97));
        print(SD_ID128_MAKE(00, 00, 00, 00, 00, 00, 00, 00, 00, 00, 00, 00, 00, 00, 00, 01));
        print(SD_ID128_MAKE(ff, ff, ff, ff, ff, ff, ff, ff, ff, ff, ff, ff, ff, ff, ff, FE));
        print(SD_ID128_NULL);
        print(SD_ID128_ALLF);
        return 0;
}
