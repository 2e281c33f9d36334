/* The commands of `handfast`, one file each. Each gets its own argc and argv, argv[0] being the
 * command's word, and returns the exit status. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

int cli_run(int argc, char **argv);

#endif
