/** The reference backend: float64, plain loops, the formulas as written; rounds when it stores. */
package org.fewstep.backend.scalar;
