/* librtlsdr without a dongle, for osmocom's own rtl_tcp to be run with: the functions of rtl-sdr.h that it calls.
 *
 * Samples are a count of bytes modulo 251, at the rate set by the clock of this machine, in buffers of 256 KiB as the
 * real library gives. What the dongle is told goes to the file that DONGLE_LOG names, and how many bytes it gave since
 * a client came to the one of DONGLE_COUNT. Built under the name rtl_tcp asks for.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef void (*callback)(unsigned char *buffer, uint32_t length, void *context);

static uint32_t rate = 2048000;
static volatile int stopped;

static int told(const char *what, long value) {
    FILE *log = fopen(getenv("DONGLE_LOG"), "a");
    fprintf(log, "%s %ld\n", what, value);
    return fclose(log);
}

uint32_t rtlsdr_get_device_count(void) { return 1; }
const char *rtlsdr_get_device_name(uint32_t index) { (void)index; return "no dongle"; }
int rtlsdr_get_device_usb_strings(uint32_t index, char *maker, char *product, char *serial) {
    (void)index;
    strcpy(maker, "nobody");
    strcpy(product, "nothing");
    strcpy(serial, "00000001");
    return 0;
}
int rtlsdr_open(void **device, uint32_t index) { (void)index; *device = &rate; return 0; }
int rtlsdr_close(void *device) { (void)device; return 0; }
int rtlsdr_get_tuner_type(void *device) { (void)device; return 6; }
int rtlsdr_get_tuner_gains(void *device, int *gains) { (void)device; (void)gains; return 29; }
int rtlsdr_reset_buffer(void *device) { (void)device; return 0; }
int rtlsdr_set_sample_rate(void *device, uint32_t value) { (void)device; rate = value; return told("rate", value); }
int rtlsdr_set_center_freq(void *device, uint32_t value) { (void)device; return told("frequency", value); }
int rtlsdr_set_freq_correction(void *device, int value) { (void)device; return told("ppm", value); }
int rtlsdr_set_tuner_gain_mode(void *device, int value) { (void)device; return told("gain by hand", value); }
int rtlsdr_set_tuner_gain(void *device, int value) { (void)device; return told("gain", value); }
int rtlsdr_set_agc_mode(void *device, int value) { (void)device; return told("agc", value); }
int rtlsdr_set_bias_tee(void *device, int value) { (void)device; return told("bias tee", value); }
int rtlsdr_set_tuner_if_gain(void *device, int stage, int value) { (void)device; (void)stage; return value * 0; }
int rtlsdr_set_testmode(void *device, int value) { (void)device; return value * 0; }
int rtlsdr_set_direct_sampling(void *device, int value) { (void)device; return value * 0; }
int rtlsdr_set_offset_tuning(void *device, int value) { (void)device; return value * 0; }
int rtlsdr_set_xtal_freq(void *device, uint32_t one, uint32_t other) { (void)device; return one * other * 0; }
int rtlsdr_cancel_async(void *device) { (void)device; stopped = 1; return 0; }

int rtlsdr_read_async(void *device, callback give, void *context, uint32_t buffers, uint32_t length) {
    static unsigned char buffer[1 << 18];
    struct timespec due;
    uint64_t count = 0;
    FILE *counted = fopen(getenv("DONGLE_COUNT"), "w");
    (void)device;
    (void)buffers;
    (void)length;
    clock_gettime(CLOCK_MONOTONIC, &due);
    for (stopped = 0; !stopped;) {
        for (size_t i = 0; i < sizeof buffer; ++i) buffer[i] = (unsigned char)(count++ % 251);
        uint64_t ns = due.tv_nsec + sizeof buffer / 2 * 1000000000ULL / rate;
        due.tv_sec += (time_t)(ns / 1000000000ULL);
        due.tv_nsec = (long)(ns % 1000000000ULL);
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
        give(buffer, sizeof buffer, context);
        rewind(counted);
        fprintf(counted, "%020llu", (unsigned long long)count);
        fflush(counted);
    }
    fclose(counted);
    return 0;
}
