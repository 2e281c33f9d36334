/* Links as users write them. */
#include <errno.h>

#include "rig.h"

static const struct {
    const char *text, *kind, *arg;
    const char *key;
    size_t nth;
    const char *value; /* of that */
} good[] = {
    {"host", "host", NULL, "loss", 0, NULL},
    {"host,loss=2%,delay=20ms", "host", NULL, "delay", 0, "20ms"},
    {"tap:tap0,address=10.9.0.2/24", "tap", "tap0", "address", 0, "10.9.0.2/24"},
    {"tap:tap0,address=10.9.0.2/24,address=fd09::2/64", "tap", "tap0", "address", 1, "fd09::2/64"},
    {"host,pcap=a,,b.pcapng,seed=7", "host", NULL, "pcap", 0, "a,b.pcapng"},
    {"host,pcap=a,,b.pcapng,seed=7", "host", NULL, "seed", 0, "7"},
    {"sim:a,,b:c,mtu=1280", "sim", "a,b:c", "mtu", 0, "1280"},
    {"host,loss=0.5%,dup=100%,corrupt=0%,reorder=0.0001%", "host", NULL, "dup", 0, "100%"},
    {"host,delay=300us,delay=1.5s", "host", NULL, "delay", 1, "1.5s"},
    {"host,rate=56kbit,rate=2.5gbit", "host", NULL, "rate", 2, NULL},
};

static const struct {
    const char *text;
    const char *said; /* what the message contains */
} bad[] = {
    {"", "begins with its kind"},
    {"loss=2%", "begins with its kind"},
    {"tap:", "behind the colon"},
    {"host,", "key=value"},
    {"host,loss", "key=value"},
    {"host,losss=2%", "loss, dup"},
    {"host,loss=2", "percentage"},
    {"host,loss=0.02", "percentage"},
    {"host,loss=101%", "percentage"},
    {"host,loss=-1%", "percentage"},
    {"host,loss=%", "percentage"},
    {"host,loss=1.%", "percentage"},
    {"host,loss=1..2%", "percentage"},
    {"host,loss=0.00001%", "percentage"},
    {"host,loss=99999999999999999999%", "percentage"},
    {"host,delay=20", "20ms"},
    {"host,delay=20 ms", "20ms"},
    {"host,delay=2h", "20ms"},
    {"host,delay=3601s", "hour"},
    {"host,rate=0mbit", "10mbit"},
    {"host,rate=10", "10mbit"},
    {"host,rate=10Mbit", "10mbit"},
    {"host,seed=x", "whole number"},
    {"host,seed=", "whole number"},
    {"host,mtu=1279", "1280"},
    {"host,mtu=65536", "65535"},
    {"host,pcap=", "file"},
};

static void test_good(void)
{
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct hf_link_spec *spec;
        char why[HF_LINK_WHY];
        const char *value;

        if (!OK(hf_link_spec_parse(good[i].text, &spec, why) == 0, good[i].text))
            continue;
        OK(strcmp(hf_link_spec_kind(spec), good[i].kind) == 0, "its kind");
        OK(good[i].arg ? strcmp(hf_link_spec_arg(spec), good[i].arg) == 0 : !hf_link_spec_arg(spec),
           "its argument");
        value = hf_link_spec_value(spec, good[i].key, good[i].nth);
        OK(good[i].value ? value && strcmp(value, good[i].value) == 0 : !value, "its value");
        hf_link_spec_free(spec);
    }
}

static void test_bad(void)
{
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct hf_link_spec *spec;
        char why[HF_LINK_WHY] = "";

        EQ(hf_link_spec_parse(bad[i].text, &spec, why), -EINVAL, bad[i].text);
        if (!OK(strstr(why, bad[i].said), "the message tells what is wanted"))
            fprintf(stderr, "# %s\n", why);
    }
}

static void test_too_many(void)
{
    struct hf_link_spec *spec;
    char text[1000] = "host", why[HF_LINK_WHY];

    for (int i = 0; i < 33; i++)
        strcat(text, ",loss=1%");
    EQ(hf_link_spec_parse(text, &spec, why), -EINVAL, "there is a limit to options");
}

static void test_wrap(void)
{
    struct rig *r = rig_new();
    struct hf_link_spec *spec;
    struct hf_link *top;
    char why[HF_LINK_WHY];

    if (hf_link_spec_parse("x,delay=5ms,rate=8mbit", &spec, why) < 0 ||
        hf_link_spec_wrap(spec, &r->env, &r->ground, &top, why) < 0)
        abort();
    hf_link_spec_free(spec);
    rig_above(r, top);
    OK(top->below && top->below->below == &r->ground, "each wrapper stands on the one before");
    r->now = HF_S;
    top->ops->send(top, rig_frame(r, 0, 1000));
    rig_run(r, top, HF_TIME_NEVER - 1);
    EQ(r->sent.when[0], HF_S + 6 * HF_MS, "and each does its part");
    rig_end(r, top);

    r = rig_new();
    if (hf_link_spec_parse("x,loss=1%,pcap=/nonexistent/file", &spec, why) < 0)
        abort();
    EQ(hf_link_spec_wrap(spec, &r->env, &r->ground, &top, why), -ENOENT, "a file that cannot be");
    OK(strstr(why, "/nonexistent/file"), "is named in the message");
    OK(r->ground_freed, "what was made so far is freed");
    hf_link_spec_free(spec);
    rig_end(r, NULL);
}

int main(void)
{
    tap_begin(10);
    test_good();
    test_bad();
    test_too_many();
    test_wrap();
    return tap_end();
}
