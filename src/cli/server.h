/* `gennaker server`: the whole program behind one address. */
#pragma once

/* arguments after "server". Returns the exit code. Runs on the main thread until a signal ends it. */
int cli_server(int argc, char **argv);
