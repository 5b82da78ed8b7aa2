/* The program's entry. Runs on the main thread; owns nothing. */
#include <stdio.h>

int main(void) {
    puts("gennaker " GENNAKER_VERSION);
    return 0;
}
