// SPDX-License-Identifier: GPL-2.0-only
/* Sets taint bits on demand, from wherever the kernel can be: words are written to parameters/run. */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/hrtimer.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/timer.h>

static int init_bit = -1;
module_param(init_bit, int, 0);

static unsigned int bit;
static DECLARE_COMPLETION(finished);

/* The barrier keeps the call from becoming a jump, which would hide its caller. */
static noinline void set_it(void)
{
        add_taint(bit, LOCKDEP_STILL_OK);
        barrier();
}

static void on_timer(struct timer_list *unused)
{
        set_it();
        complete(&finished);
}
static DEFINE_TIMER(timer, on_timer);

static enum hrtimer_restart on_hrtimer(struct hrtimer *unused)
{
        set_it();
        complete(&finished);
        return HRTIMER_NORESTART;
}
static struct hrtimer hrtimer;

static int in_thread(void *unused)
{
        set_it();
        complete(&finished);
        return 0;
}

static int in_dying_thread(void *unused)
{
        complete(&finished);
        *(volatile int *)8 = 1;
        return 0;
}

/* Keeps its processor until the watchdog finds it. */
static int in_lockup(void *unused)
{
        unsigned long end = jiffies + 60 * HZ;

        preempt_disable();
        while (!test_taint(TAINT_SOFTLOCKUP) && time_before(jiffies, end))
                cpu_relax();
        preempt_enable();
        complete(&finished);
        return 0;
}

static void begin_thread(int (*f)(void *))
{
        if (IS_ERR(kthread_run(f, NULL, "taint_test")))
                complete(&finished);
}

#define STORM_THREADS 8
static atomic_t storm_waiting;

/* All at once, as far as there are processors for it. */
static int in_storm(void *unused)
{
        atomic_dec(&storm_waiting);
        while (atomic_read(&storm_waiting) > 0)
                cond_resched();
        set_it();
        complete(&finished);
        return 0;
}

static void storm(void)
{
        atomic_set(&storm_waiting, STORM_THREADS);
        for (int i = 0; i < STORM_THREADS; i++)
                begin_thread(in_storm);
        for (int i = 1; i < STORM_THREADS; i++)
                wait_for_completion(&finished);
}

static noinline void warn(void)
{
        WARN(1, "taint_test warns");
}

static int run(const char *text, const struct kernel_param *kp)
{
        char word[16];

        if (sscanf(text, "%15s %u", word, &bit) < 1)
                return -EINVAL;
        reinit_completion(&finished);
        if (!strcmp(word, "task")) {
                set_it();
                return 0;
        }
        if (!strcmp(word, "warn")) {
                warn();
                return 0;
        }
        if (!strcmp(word, "softirq"))
                mod_timer(&timer, jiffies + 1);
        else if (!strcmp(word, "hardirq"))
                hrtimer_start(&hrtimer, ms_to_ktime(1), HRTIMER_MODE_REL_HARD);
        else if (!strcmp(word, "kthread"))
                begin_thread(in_thread);
        else if (!strcmp(word, "oops"))
                begin_thread(in_dying_thread);
        else if (!strcmp(word, "lockup"))
                begin_thread(in_lockup);
        else if (!strcmp(word, "storm"))
                storm();
        else
                return -EINVAL;
        wait_for_completion(&finished);
        return 0;
}

static const struct kernel_param_ops run_ops = { .set = run };
module_param_cb(run, &run_ops, NULL, 0200);

static int __init taint_test_init(void)
{
        hrtimer_init(&hrtimer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_HARD);
        hrtimer.function = on_hrtimer;
        if (init_bit >= 0) {
                bit = init_bit;
                set_it();
        }
        return 0;
}

static void __exit taint_test_exit(void)
{
        del_timer_sync(&timer);
        hrtimer_cancel(&hrtimer);
}

module_init(taint_test_init);
module_exit(taint_test_exit);
MODULE_LICENSE("GPL");
