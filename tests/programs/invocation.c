/* Prints what $INVOCATION_ID is to this program, which somebody else may have started. */
#include <stdio.h>
#include <systemd/sd-id128.h>

int main(void) {
        sd_id128_t id = SD_ID128_NULL;
        int answer = sd_id128_get_invocation(&id);

        printf("%d %s\n", answer, SD_ID128_TO_STRING(id));
        return 0;
}
