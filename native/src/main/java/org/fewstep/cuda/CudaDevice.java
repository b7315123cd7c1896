package org.fewstep.cuda;

/**
 * What the driver tells of a device.
 *
 * @param index the number by which it is chosen
 * @param name such as "NVIDIA H200"
 * @param major the compute capability
 * @param minor its second part
 * @param multiprocessors how many there are
 * @param memory bytes
 * @param clock of the multiprocessors, the highest, in Hz; 0 if the driver does not tell
 * @param bandwidth of the memory, the highest, in bytes a second; 0 if the driver does not tell
 * @param driver the newest CUDA version that the driver serves
 */
public record CudaDevice(
    int index,
    String name,
    int major,
    int minor,
    int multiprocessors,
    long memory,
    double clock,
    double bandwidth,
    String driver) {}
