/* The command `handfast`. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "run/run.h"

static const char help[] =
    "Usage: handfast run [OPTION]... [--] PROGRAM [ARGUMENT]...\n"
    "       handfast --help | --version\n"
    "\n"
    "Gives unmodified programs a TCP/IP of their own, in user space, without privileges.\n"
    "\n"
    "  run      runs PROGRAM with its sockets served by Handfast; see `handfast run --help`\n";

int main(int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : "";

    if (!strcmp(word, "run"))
        return cli_run(argc - 1, argv + 1);
    if (!strcmp(word, "--help") || !strcmp(word, "-h")) {
        fputs(help, stdout);
        return 0;
    }
    if (!strcmp(word, "--version")) {
        puts("handfast " HF_VERSION);
        return 0;
    }
    if (argc > 1)
        fprintf(stderr, "handfast: there is no command '%s'\n", word);
    else
        fprintf(stderr, "handfast: a command is missing\n");
    fprintf(stderr, "Try: handfast run PROGRAM, or handfast --help\n");
    return RUN_FAILED;
}
