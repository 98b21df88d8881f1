/* A radio for the tests, as a driver of SoapySDR's: driver=groundstation.
 *
 * Its samples, CS16, are a count: I has the low 15 bits of a sample's number and Q the next 15. Or, with fifo=PATH,
 * they are what somebody writes into that FIFO; when the writer leaves, the radio was unplugged.
 *
 *   pace=false           as fast as they are read, else by the clock of this machine
 *   overflow=N, skip=M   after each N samples an overflow is told and M samples are lost
 *   silent=true          the overflow is not told, as of a driver that knows nothing of it
 *   timed=true           reads have the time of their first sample
 *   log=PATH             what the radio is told to be, a line each
 *   off=RATIO            the sample rate it takes, of the one it is told
 */
#include <SoapySDR/Device.hpp>
#include <SoapySDR/Formats.hpp>
#include <SoapySDR/Registry.hpp>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <fstream>
#include <stdexcept>
#include <string>
#include <thread>

using Clock = std::chrono::steady_clock;

class Radio : public SoapySDR::Device {
    SoapySDR::Kwargs args;
    double rate = 1e6, gain = 0;
    std::string antenna = "RX";
    std::string path;
    int fifo = -1;
    std::string odd;  // bytes of the FIFO that are no whole sample yet
    long long taken = 0, until = 0;  // the next sample's number; that of the sample before which it overflows
    Clock::time_point began;

    std::string option(const std::string &name, const std::string &otherwise) const {
        auto found = args.find(name);
        return found == args.end() ? otherwise : found->second;
    }
    void log(const std::string &line) const {
        if (args.count("log")) std::ofstream(args.at("log"), std::ios::app) << line << "\n";
    }
    static std::string number(double value) {
        std::string text = std::to_string(value);
        return text.substr(0, text.find('.') + 3);
    }

  public:
    explicit Radio(const SoapySDR::Kwargs &given) : args(given), path(option("fifo", "")) { log("make"); }
    ~Radio() override { log("unmake"); }

    std::string getDriverKey() const override { return "groundstation"; }
    std::string getHardwareKey() const override { return "a radio that counts"; }
    size_t getNumChannels(const int direction) const override { return direction == SOAPY_SDR_RX ? 2 : 0; }

    std::vector<std::string> listAntennas(const int, const size_t) const override { return {"RX", "LNA"}; }
    void setAntenna(const int, const size_t channel, const std::string &name) override {
        if (name != "RX" && name != "LNA") throw std::runtime_error("no antenna " + name + ", but RX and LNA");
        log("antenna " + std::to_string(channel) + " " + name);
        antenna = name;
    }
    std::string getAntenna(const int, const size_t) const override { return antenna; }
    bool hasGainMode(const int, const size_t) const override { return true; }
    void setGainMode(const int, const size_t, const bool automatic) override {
        log(automatic ? "gain auto" : "gain by hand");
    }
    void setGain(const int, const size_t, const double value) override { log("gain " + number(gain = value)); }
    double getGain(const int, const size_t) const override { return gain; }
    void setFrequency(const int, const size_t, const double hertz, const SoapySDR::Kwargs &) override {
        if (hertz > 6e9) throw std::runtime_error("cannot tune above 6 GHz");
        log("frequency " + number(hertz));
    }
    void setBandwidth(const int, const size_t, const double hertz) override { log("bandwidth " + number(hertz)); }
    void setSampleRate(const int, const size_t, const double value) override {
        log("rate " + number(value));
        rate = value * std::stod(option("off", "1"));
    }
    double getSampleRate(const int, const size_t) const override { return rate; }
    void writeSetting(const std::string &key, const std::string &value) override { log("setting " + key + " " + value); }

    SoapySDR::Stream *setupStream(const int, const std::string &format, const std::vector<size_t> &channels,
                                  const SoapySDR::Kwargs &) override {
        if (format != SOAPY_SDR_CS16) throw std::runtime_error("gives CS16 alone, not " + format);
        log("stream " + format + " of channel " + std::to_string(channels.at(0)));
        return reinterpret_cast<SoapySDR::Stream *>(this);
    }
    void closeStream(SoapySDR::Stream *) override { log("close"); }
    int activateStream(SoapySDR::Stream *, const int, const long long, const size_t) override {
        if (!path.empty() && (fifo = open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)) < 0)
            throw std::runtime_error("nothing is plugged in at " + path);
        log("on");
        taken = 0;
        until = std::stoll(option("overflow", "0"));
        began = Clock::now();
        return 0;
    }
    int deactivateStream(SoapySDR::Stream *, const int, const long long) override {
        if (fifo >= 0) close(fifo);
        fifo = -1;
        log("off");
        return 0;
    }

    int readStream(SoapySDR::Stream *, void *const *buffers, const size_t wanted, int &flags, long long &time,
                   const long patience) override {
        auto *samples = static_cast<int16_t *>(buffers[0]);
        flags = 0;
        if (!path.empty()) return fromFifo(samples, wanted, patience);
        if (until && taken == until) {
            taken += std::stoll(option("skip", "0"));
            until = taken + std::stoll(option("overflow", "0"));
            if (option("silent", "") != "true") return SOAPY_SDR_OVERFLOW;
        }
        long long count = std::min<long long>(wanted, 16384);
        if (until) count = std::min(count, until - taken);
        if (option("pace", "") != "false") {
            count = std::min(count, due() - taken);
            if (count <= 0) {
                std::this_thread::sleep_for(std::chrono::microseconds(std::min(patience, 2000L)));
                count = std::min<long long>(std::min<long long>(wanted, 16384), due() - taken);
                if (until) count = std::min(count, until - taken);
                if (count <= 0) return SOAPY_SDR_TIMEOUT;
            }
        }
        if (option("timed", "") == "true") {
            flags = SOAPY_SDR_HAS_TIME;
            time = static_cast<long long>(taken * (1e9 / rate)) + 77;
        }
        for (long long i = 0; i < count; ++i, ++taken) {
            samples[2 * i] = taken & 0x7fff;
            samples[2 * i + 1] = taken >> 15 & 0x7fff;
        }
        return static_cast<int>(count);
    }

  private:
    long long due() const {
        return static_cast<long long>(std::chrono::duration<double>(Clock::now() - began).count() * rate);
    }
    int fromFifo(int16_t *samples, size_t wanted, long patience) {
        pollfd waiting{fifo, POLLIN, 0};
        if (poll(&waiting, 1, static_cast<int>(patience / 1000)) <= 0) return SOAPY_SDR_TIMEOUT;
        if (!(waiting.revents & POLLIN)) return SOAPY_SDR_STREAM_ERROR;
        auto *bytes = reinterpret_cast<char *>(samples);
        odd.copy(bytes, odd.size());
        ssize_t got = read(fifo, bytes + odd.size(), wanted * 4 - odd.size());
        if (got <= 0) return SOAPY_SDR_STREAM_ERROR;
        size_t held = odd.size() + static_cast<size_t>(got);
        odd.assign(bytes + held / 4 * 4, held % 4);
        return held < 4 ? SOAPY_SDR_TIMEOUT : static_cast<int>(held / 4);
    }
};

static SoapySDR::KwargsList find(const SoapySDR::Kwargs &args) {
    if (!args.count("driver")) return {};
    return {args};
}
static SoapySDR::Device *make(const SoapySDR::Kwargs &args) { return new Radio(args); }
static SoapySDR::Registry registered("groundstation", &find, &make, SOAPY_SDR_ABI_VERSION);
