/* A QEMU plugin (API 1, QEMU 6 to 9): instructions that a program runs between two marks.

   The program marks with a system call that no kernel has a use for, prctl(0x53504c54, PHASE): 1
   begins, 2 ends, and the plugin then writes one line to standard error,

       splitsr-count ALL VECTOR MEMORY

   of all threads together: A64 instructions; of these, data processing of SIMD and floating point;
   and loads and stores. Only the few declarations of qemu-plugin.h that are used stand here, so
   that nothing but a C compiler is needed:  cc -shared -fPIC -O2 -o count.so count.c  */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define PUBLIC __attribute__((visibility("default")))
#define PRCTL 167 /* of Linux on AArch64 */
#define MARK 0x53504c54
#define THREADS 1024 /* each counts for itself, so that none waits for another */

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_info;

extern void qemu_plugin_register_vcpu_tb_trans_cb(
    qemu_plugin_id_t, void (*)(qemu_plugin_id_t, struct qemu_plugin_tb *));
extern void qemu_plugin_register_vcpu_tb_exec_cb(
    struct qemu_plugin_tb *, void (*)(unsigned, void *), int flags, void *);
extern void qemu_plugin_register_vcpu_syscall_cb(
    qemu_plugin_id_t,
    void (*)(qemu_plugin_id_t, unsigned, int64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t,
             uint64_t, uint64_t, uint64_t));
extern size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
extern struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *, size_t);
extern const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *);

PUBLIC int qemu_plugin_version = 1;

struct counts { uint64_t all, vector, memory; };

static struct counts threads[THREADS];
static struct counts begun;

static struct counts total(void) {
    struct counts sum = {0, 0, 0};
    for (int i = 0; i < THREADS; i++) {
        sum.all += threads[i].all;
        sum.vector += threads[i].vector;
        sum.memory += threads[i].memory;
    }
    return sum;
}

static void run_block(unsigned thread, void *block) {
    const struct counts *of = block;
    struct counts *mine = &threads[thread % THREADS];
    mine->all += of->all;
    mine->vector += of->vector;
    mine->memory += of->memory;
}

/* Bits 25 to 28 of an A64 instruction are its class: x111 SIMD and floating point, x1x0 memory. */
static void translate_block(qemu_plugin_id_t id, struct qemu_plugin_tb *block) {
    struct counts *of = calloc(1, sizeof *of);
    (void)id;
    of->all = qemu_plugin_tb_n_insns(block);
    for (size_t i = 0; i < of->all; i++) {
        const uint32_t *word = qemu_plugin_insn_data(qemu_plugin_tb_get_insn(block, i));
        unsigned kind = *word >> 25 & 15;
        of->vector += (kind & 7) == 7;
        of->memory += (kind & 5) == 4;
    }
    qemu_plugin_register_vcpu_tb_exec_cb(block, run_block, 0, of);
}

static void enter_kernel(qemu_plugin_id_t id, unsigned thread, int64_t number, uint64_t option,
                         uint64_t phase, uint64_t a3, uint64_t a4, uint64_t a5, uint64_t a6,
                         uint64_t a7, uint64_t a8) {
    (void)id, (void)thread, (void)a3, (void)a4, (void)a5, (void)a6, (void)a7, (void)a8;
    if (number != PRCTL || option != MARK) return;
    struct counts now = total();
    if (phase == 1) begun = now;
    else
        fprintf(stderr, "splitsr-count %llu %llu %llu\n",
                (unsigned long long)(now.all - begun.all),
                (unsigned long long)(now.vector - begun.vector),
                (unsigned long long)(now.memory - begun.memory));
}

PUBLIC int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info *info, int argc,
                               char **argv) {
    (void)info, (void)argc, (void)argv;
    qemu_plugin_register_vcpu_tb_trans_cb(id, translate_block);
    qemu_plugin_register_vcpu_syscall_cb(id, enter_kernel);
    return 0;
}
