#include "tflm/planner.h"

namespace tflopt {

TfLiteStatus RecordingPlanner::Init(unsigned char* scratch_buffer, int scratch_buffer_size) {
  return planner_->Init(scratch_buffer, scratch_buffer_size);
}

TfLiteStatus RecordingPlanner::AddBuffer(int size, int first_time_used, int last_time_used) {
  Record(size, first_time_used, last_time_used, false);
  return planner_->AddBuffer(size, first_time_used, last_time_used);
}

TfLiteStatus RecordingPlanner::AddBuffer(int size, int first_time_used, int last_time_used,
                                         int offline_offset) {
  Record(size, first_time_used, last_time_used, true);
  return planner_->AddBuffer(size, first_time_used, last_time_used, offline_offset);
}

TfLiteStatus RecordingPlanner::GetOffsetForBuffer(int buffer_index, int* offset) {
  const TfLiteStatus status = planner_->GetOffsetForBuffer(buffer_index, offset);
  if (recorder_ == nullptr || status != kTfLiteOk) return status;
  PlannedBuffer* const buffer = recorder_->buffers.At(static_cast<size_t>(buffer_index));
  if (buffer != nullptr) buffer->offset = *offset;
  return status;
}

void RecordingPlanner::Record(int size, int first_time_used, int last_time_used, bool offline) {
  PlannedBuffer* const buffer = recorder_ == nullptr ? nullptr : recorder_->buffers.Add();
  if (buffer == nullptr) return;
  buffer->size = size;
  buffer->first_use = first_time_used;
  buffer->last_use = last_time_used;
  buffer->offline = offline;
  buffer->subgraph = -1;
  buffer->where = -1;
}

}  // namespace tflopt
