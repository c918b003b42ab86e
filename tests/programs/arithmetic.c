/* Arithmetic for which compilers call functions, of libgcc or of compiler-rt, in a program that has the archive in it. */

#include <math.h>
#include <stdio.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-journal.h>

int main(void) {
        volatile double two = 2, three = 3;
        volatile long double long_two = 2;
        volatile long long seven = 7;
        int right = fma(two, three, two) == 8 && fmod(three, two) == 1 && sqrtl(long_two * long_two) == long_two &&
                fmal(long_two, long_two, long_two) == 6 && (long long) (long_two * seven) % seven == 0 && seven / 2 == 3;

#ifdef __SIZEOF_INT128__
        volatile __int128 wide = (__int128) 1 << 100, odd = 7;
        volatile unsigned __int128 natural = (unsigned __int128) -1;
        right = right && wide / odd > wide / 8 && wide % odd == 2 && natural / 10 * 10 + natural % 10 == natural && (double) wide > 1e30;
#endif
        printf("%d %d %d\n", right, sd_booted() >= 0, sd_notifyf(0, "STATUS=%d", right));
        return 0;
}
