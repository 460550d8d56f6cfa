/* Hides AVX-512, AMX and VNNI from a process, so that it computes as on a CPU with AVX2 alone:
 *
 *   cc -O2 -shared -fPIC -o without_vnni.so tests/without_vnni.c
 *   LD_PRELOAD=$PWD/without_vnni.so pytest -p no:faulthandler
 *
 * Linux on x86-64 with CPUID faulting (`grep -c cpuid_fault /proc/cpuinfo`): CPUID raises SIGSEGV,
 * and is answered here. pytest's own handler of that signal must stay away. */
#define _GNU_SOURCE
#include <asm/prctl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

/* Bits of leaf 7: AVX512 F DQ IFMA CD BW VL; VBMI VBMI2 VNNI BITALG VPOPCNTDQ; AMX, FP16 ... */
static const unsigned EBX = 0xd0230000, ECX = 0x00005842, EDX = 0x03c0010c;

static void answer(int number, siginfo_t *info, void *context)
{
    greg_t *r = ((ucontext_t *)context)->uc_mcontext.gregs;
    const unsigned char *code = (const unsigned char *)r[REG_RIP];
    unsigned leaf = r[REG_RAX], part = r[REG_RCX], a, b, c, d;

    (void)number, (void)info;
    if (code[0] != 0x0f || code[1] != 0xa2) { /* another fault */
        signal(SIGSEGV, SIG_DFL);
        return;
    }
    syscall(SYS_arch_prctl, ARCH_SET_CPUID, 1);
    __asm__ volatile("cpuid" : "=a"(a), "=b"(b), "=c"(c), "=d"(d) : "a"(leaf), "c"(part));
    syscall(SYS_arch_prctl, ARCH_SET_CPUID, 0);
    if (leaf == 7 && part == 0)
        b &= ~EBX, c &= ~ECX, d &= ~EDX;
    else if (leaf == 7 && part == 1)
        a = b = c = d = 0;
    r[REG_RAX] = a, r[REG_RBX] = b, r[REG_RCX] = c, r[REG_RDX] = d, r[REG_RIP] += 2;
}

__attribute__((constructor)) static void hide(void)
{
    struct sigaction action = {.sa_sigaction = answer, .sa_flags = SA_SIGINFO | SA_NODEFER};

    sigaction(SIGSEGV, &action, NULL);
    if (syscall(SYS_arch_prctl, ARCH_SET_CPUID, 0))
        _exit(77);
}
