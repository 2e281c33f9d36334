/* `handfast run`: its options. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "run/network.h"
#include "run/run.h"

static const char help_head[] =
    "Usage: handfast run [OPTION]... [--] PROGRAM [ARGUMENT]...\n"
    "\n"
    "Runs PROGRAM and everything it starts with Handfast's TCP/IP in place of the kernel's.\n"
    "It is host 10.0.2.15 and fd00:2::15; its 127.0.0.1 and ::1 are its own.\n"
    "\n"
    "  --link SPEC        the network it is on; default: host\n"
    "  --publish SPEC     [ADDR:]HOSTPORT:PORT[/udp]: the host's port leads to the program's;\n"
    "                     may be given more than once\n"
    "  --host-loopback    10.0.2.2 and fd00:2::2 are the host's own loopback\n"
    "  -v, -vv            a line for each connect; for each call\n"
    "  --log FILE         lines of -v go to FILE instead of stderr\n"
    "  --help             this text\n"
    "\n";

static const char help_tail[] =
    "\n"
    "Ends when PROGRAM and all its descendants have, with PROGRAM's status; 125: Handfast could "
    "not\n"
    "begin; 126: PROGRAM could not be executed; 127: PROGRAM was not found.\n";

enum { OPT_LINK = 256, OPT_PUBLISH, OPT_HOST_LOOPBACK, OPT_LOG, OPT_HELP };

static const struct option options[] = {
    {"link", required_argument, NULL, OPT_LINK},
    {"publish", required_argument, NULL, OPT_PUBLISH},
    {"host-loopback", no_argument, NULL, OPT_HOST_LOOPBACK},
    {"log", required_argument, NULL, OPT_LOG},
    {"verbose", no_argument, NULL, 'v'},
    {"help", no_argument, NULL, OPT_HELP},
    {NULL, 0, NULL, 0},
};

static int refuse(void)
{
    fprintf(stderr, "Try: handfast run PROGRAM, or handfast run --help\n");
    return RUN_FAILED;
}

static int show_help(void)
{
    fputs(help_head, stdout);
    fputs(network_link_help, stdout);
    fputs(help_tail, stdout);
    return 0;
}

/* What getopt_long would say, in one voice with our other messages. */
static int refuse_option(int answer, char **argv)
{
    if (answer == ':')
        fprintf(stderr, "handfast run: option '%s' needs a value\n", argv[optind - 1]);
    else if (optopt && optopt < 256)
        fprintf(stderr, "handfast run: there is no option '-%c'\n", optopt);
    else
        fprintf(stderr, "handfast run: there is no option '%s', or it takes no value\n",
                argv[optind - 1]);
    return refuse();
}

/* -1: run; else the exit status. */
static int parse(int argc, char **argv, struct run_config *config, const char **publish)
{
    int answer;

    while ((answer = getopt_long(argc, argv, "+:v", options, NULL)) != -1) {
        switch (answer) {
        case OPT_LINK:
            config->link = optarg;
            break;
        case OPT_PUBLISH:
            publish[config->publish_count++] = optarg;
            break;
        case OPT_HOST_LOOPBACK:
            config->host_loopback = true;
            break;
        case OPT_LOG:
            config->log_path = optarg;
            if (!config->verbose)
                config->verbose = 1;
            break;
        case 'v':
            config->verbose++;
            break;
        case OPT_HELP:
            return show_help();
        default:
            return refuse_option(answer, argv);
        }
    }
    if (optind < argc)
        return -1;
    fprintf(stderr, "handfast run: which program?\n");
    return refuse();
}

int cli_run(int argc, char **argv)
{
    const char **publish = calloc((size_t)argc, sizeof(*publish));
    struct run_config config = {.publish = publish};
    int status;

    if (!publish) {
        fprintf(stderr, "handfast run: out of memory\n");
        return RUN_FAILED;
    }
    opterr = 0;
    status = parse(argc, argv, &config, publish);
    if (status < 0) {
        config.argv = argv + optind;
        status = run_program(&config);
    }
    free(publish);
    return status;
}
