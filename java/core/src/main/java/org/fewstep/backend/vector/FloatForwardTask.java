package org.fewstep.backend.vector;

import java.lang.foreign.MemorySegment;
import org.fewstep.backend.Batch;
import org.fewstep.backend.WorkerPool;

/** The forward pass of a network in training. */
final class FloatForwardTask implements WorkerPool.Task {

  private static final int GROUP = FloatLanes.GROUP;

  private final FloatTile[] tiles;
  private FloatTrainee network;
  private MemorySegment x;
  private MemorySegment y;
  private MemorySegment saved;

  FloatForwardTask(FloatTile[] tiles) {
    this.tiles = tiles;
  }

  void prepare(FloatTrainee trainee, Batch parameters, Batch points, Batch out, Batch affine) {
    network = trainee;
    network.load(parameters.memory(), false);
    x = points.memory();
    y = out.memory();
    saved = network.hidden() == 0 ? null : FloatEngine.memory(affine);
  }

  /** Forgets what the call was about. */
  void clear() {
    network = null;
    x = null;
    y = null;
    saved = null;
  }

  @Override
  public void run(int worker, long first, long end) {
    FloatTile tile = tiles[worker];
    tile.network.reserveTraining(network);
    int tileRows = network.tileRows();
    for (long row = first; row < end; row += tileRows) {
      tile(tile, tile.network, row, (int) Math.min(tileRows, end - row));
    }
  }

  private void tile(FloatTile tile, FloatNetworkScratch scratch, long row, int rows) {
    int groups = Math.ceilDiv(rows, GROUP);
    int stride = scratch.stride;
    scratch.panels.load(x, row, rows, network.inputs(), scratch.x);
    scratch.findFaults(network.inputs(), groups);
    network.frame.enter(scratch.x, scratch.one, stride, groups);
    float[] last =
        saved == null
            ? network.layers.values(scratch.one, scratch.other, stride, groups)
            : network.layers.values(scratch.one, scratch.other, stride, scratch.affine, groups);
    float[] faults = scratch.faults;
    network.frame.leave(last, 0, stride, scratch.x, faults, scratch.result, groups);
    scratch.panels.store(scratch.result, y, row, rows, network.outputs());
    if (saved != null) {
      FloatSavedRows.store(scratch, network, saved, row, rows);
    }
  }
}
