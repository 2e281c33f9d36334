/* Two stacks on two threads, which share nothing: the work of both beside that of one alone. */
#include <pthread.h>
#include <stdatomic.h>

#include "rig.h"

#define DOOR 900

struct shard {
    struct rig rig;
    struct hf_sock *listener;
    const struct args *args;
    int cpu;
    double rate;
};

static pthread_barrier_t together;

static void by_reset(void *ctx, long count)
{
    struct shard *s = ctx;
    struct name to = rig_here(&s->rig, DOOR);

    for (; count > 0; count--)
        rig_reset(&s->rig, rig_join(&s->rig, s->listener, rig_socket(&s->rig, SOCK_STREAM), &to));
}

static void *shard_main(void *arg)
{
    struct shard *s = arg;

    pin(s->cpu);
    rig_init(&s->rig, s->args->family);
    s->listener = rig_listen(&s->rig, DOOR);
    pthread_barrier_wait(&together);
    s->rate = rate_of(s->args, by_reset, s);
    rig_fini(&s->rig);
    return NULL;
}

static double work_of(const struct args *args, unsigned count)
{
    struct shard shard[2] = {{.args = args, .cpu = 0}, {.args = args, .cpu = 1}};
    pthread_t thread[2];
    double sum = 0;

    pthread_barrier_init(&together, NULL, count);
    for (unsigned i = 0; i < count; i++) {
        if (pthread_create(&thread[i], NULL, shard_main, &shard[i]))
            die("a thread");
    }
    for (unsigned i = 0; i < count; i++) {
        pthread_join(thread[i], NULL);
        sum += shard[i].rate;
    }
    pthread_barrier_destroy(&together);
    return sum;
}

void core_shards(const struct args *args)
{
    tell("one", work_of(args, 1));
    tell("two", work_of(args, 2));
}
