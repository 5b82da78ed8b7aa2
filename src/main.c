/* The program's entry. */
#include "cli/command.h"
#include <malloc.h>

/* Larger blocks are the system's again as soon as they are freed. Left to itself the allocator raises this bound with each such block, and
 * keeps in every thread what the largest answer once needed. */
#define LARGE_BLOCK_BYTES (1024 * 1024)

int main(int argc, char **argv) {
    mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK_BYTES);
    return cli_main(argc, argv);
}
